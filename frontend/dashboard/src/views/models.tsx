// Which model scores, is it still right, and which others are there? Champion, challenger, and all versions.

import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { get, may, post } from "../api";
import { drift, loadDrift } from "../drift";
import { dateTime, number, short, words } from "../format";
import { Confirm } from "../parts/confirm";
import { Ago, Empty, Problem, Waiting } from "../parts/text";
import type { Drift, ModelList, ModelRow } from "../types";
import { LiveCheck } from "./livecheck";
import { figure, MetricsTable } from "./metrics";

const EVERY_MS = 30_000;
const WHILE_TRAINING_MS = 3_000;
interface Asked {
  title: string;
  yes: string;
  text: string;
  path: string;
}

export function ModelsView() {
  const models = useSignal<ModelList | null>(null);
  const error = useSignal<unknown>(null);
  const asked = useSignal<Asked | null>(null);
  const isBusy = useSignal(false);
  const said = useSignal("");
  const load = async () => {
    try {
      models.value = await get<ModelList>("/api/models");
      error.value = null;
    } catch (problem) {
      error.value = problem;
    }
  };
  const known = models.value;
  const isTraining = known?.is_training ?? false;
  useEffect(() => {
    document.title = "Models · Footfall";
  }, []);
  useEffect(() => {
    // What was said of a training's beginning is over with it.
    if (!isTraining) said.value = "";
    load();
    loadDrift();
    const timer = setInterval(load, isTraining ? WHILE_TRAINING_MS : EVERY_MS);
    return () => clearInterval(timer);
  }, [isTraining]);

  const go = async ({ path, yes }: Asked) => {
    asked.value = null;
    isBusy.value = true;
    said.value = "";
    try {
      await post(path);
      said.value = `${yes}: done.`;
      await Promise.all([load(), loadDrift()]);
    } catch (problem) {
      error.value = problem;
    } finally {
      isBusy.value = false;
    }
  };
  const train = async () => {
    isBusy.value = true;
    said.value = "";
    try {
      await post("/api/models/train");
      said.value = "Training has begun. It runs beside the server; nothing stops meanwhile.";
      await load();
    } catch (problem) {
      error.value = problem;
    } finally {
      isBusy.value = false;
    }
  };

  return (
    <>
      <div class="head">
        <h1>Models</h1>
        <p class="head-note">{known && noteOf(known)}</p>
        {known && may("models") && (
          <button type="button" class="button" disabled={isBusy.value || isTraining} onClick={train}>
            {isTraining ? "Training" : "Train now"}
          </button>
        )}
      </div>
      <p class="said-well" role="status">
        {said.value}
      </p>
      {error.value ? <Problem error={error.value} onRetry={load} /> : null}
      {asked.value && (
        <Confirm
          title={asked.value.title}
          yes={asked.value.yes}
          onYes={() => asked.value && go(asked.value)}
          onNo={() => {
            asked.value = null;
          }}
        >
          <p>{asked.value.text}</p>
        </Confirm>
      )}
      {known === null ? (
        !error.value && <Waiting rows={5} />
      ) : (
        <>
          {known.last_training && <LastTraining last={known.last_training} />}
          {known.versions.length === 0 ? (
            <NoModel isTraining={isTraining} />
          ) : (
            <>
              <Contest models={known} asked={asked} isBusy={isBusy.value} />
              <LiveCheck drift={drift.value} />
              <Versions models={known} asked={asked} isBusy={isBusy.value} />
            </>
          )}
        </>
      )}
    </>
  );
}

function noteOf(models: ModelList): string {
  if (models.scored_by === "model" && models.champion !== null) return `Model ${models.champion} scores every visitor.`;
  return "A rule of thumb scores every visitor.";
}

const GOOD = new Set(["ok", "promoted", "kept", "champion", "challenger", "done", "trained"]);

function LastTraining({ last }: { last: NonNullable<ModelList["last_training"]> }) {
  return (
    <p class={`trained ${GOOD.has(last.outcome) ? "" : "trained-not"}`}>
      <strong>Last training</strong> <Ago at={last.at} />: {last.message || words(last.outcome)}
    </p>
  );
}

function NoModel({ isTraining }: { isTraining: boolean }) {
  if (isTraining) {
    return (
      <Empty title="The first model is being trained">
        <p>It reads the shop's past beside the server, which goes on. A rule of thumb scores until it is done.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No model yet">
      <p>
        Until there is one, a rule of thumb scores: good for comparing visitors, but not measured against your shop's
        orders. A model needs about 50 orders, better some hundreds, and a few days of visits. Events that were imported
        count.
      </p>
      <p>
        Start the training here, or where the server runs with <code>footfall train --data DIR</code>
      </p>
    </Empty>
  );
}

function promotion(row: ModelRow): Asked {
  return {
    title: `Let model ${row.version} score?`,
    yes: "Promote",
    text: `From the next event on, model ${row.version} scores every visitor. The one before is kept, and you can roll back.`,
    path: `/api/models/${row.version}/promote`,
  };
}

const ROLLBACK: Asked = {
  title: "Go back to the model before?",
  yes: "Roll back",
  text: "The champion before this one scores again from the next event on. No event and no model is lost.",
  path: "/api/models/rollback",
};

interface Ways {
  models: ModelList;
  asked: Signal<Asked | null>;
  isBusy: boolean;
}

function Contest({ models, asked, isBusy }: Ways) {
  const of = (version: number | null) => models.versions.find((row) => row.version === version);
  const champion = of(models.champion);
  const challenger = of(models.challenger);
  const ask = (what: Asked) => () => {
    asked.value = what;
  };
  return (
    <div class="contest">
      {champion ? (
        <ModelCard row={champion} part="Champion" note="scores every visitor">
          {may("models") && models.versions.length > 1 && (
            <button type="button" class="button quiet small" disabled={isBusy} onClick={ask(ROLLBACK)}>
              Roll back
            </button>
          )}
        </ModelCard>
      ) : (
        <section class="card">
          <div class="model-head">
            <h2>Champion</h2>
          </div>
          <p class="sub">None: a rule of thumb scores. Promote a version below.</p>
        </section>
      )}
      {challenger ? (
        <ModelCard
          row={challenger}
          part="Challenger"
          note="scores beside it, unseen"
          than={champion}
          below={<Duel drift={drift.value} />}
        >
          {may("models") && (
            <button
              type="button"
              class="button small"
              disabled={isBusy || !challenger.can_serve}
              onClick={ask(promotion(challenger))}
            >
              Promote
            </button>
          )}
        </ModelCard>
      ) : (
        <section class="card">
          <div class="model-head">
            <h2>Challenger</h2>
          </div>
          <p class="sub">
            None. The next training makes one. It scores beside the champion without anybody seeing it, and is promoted
            once it is better on fresh data.
          </p>
        </section>
      )}
    </div>
  );
}

interface ModelCardProps {
  row: ModelRow;
  part: string;
  note: string;
  /** The model to compare with. */
  than?: ModelRow | undefined;
  below?: ComponentChildren;
  children?: ComponentChildren;
}

function ModelCard({ row, part, note, than, below, children }: ModelCardProps) {
  return (
    <section class="card model">
      <div class="model-head">
        <h2>
          {part}{" "}
          <a href={`/models/${row.version}`} data-internal>
            model {row.version}
          </a>{" "}
          <small>{note}</small>
        </h2>
        {children}
      </div>
      {!row.can_serve && <p class="said">{row.why_not}</p>}
      <p class="sub">
        Made <Ago at={row.made} /> from {dateTime(row.window.from)} to {dateTime(row.window.to)}:{" "}
        {short(row.n_sessions)} visits, {short(row.n_orders)} orders, {short(row.n_rows)} rows
      </p>
      <MetricsTable row={row} than={than} />
      {below}
    </section>
  );
}

const BETTER = {
  champion: "the champion is better",
  challenger: "the challenger is better",
  undecided: "too close to call yet",
} as const;

function Duel({ drift }: { drift: Drift | null }) {
  const duel = drift?.challenger;
  if (!duel) return <p class="sub">Not enough decisions of both yet to compare them on live visitors.</p>;
  return (
    <p class={`duel duel-${duel.better}`}>
      On {number(duel.n)} live decisions: log-loss {figure(duel.challenger_log_loss)} against the champion's{" "}
      {figure(duel.champion_log_loss)} – <strong>{BETTER[duel.better] ?? duel.better}</strong>.
    </p>
  );
}

function Versions({ models, asked, isBusy }: Ways) {
  return (
    <section class="card versions">
      <h2>
        All versions <small>{models.versions.length}</small>
      </h2>
      <div class="scroll">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">Stage</th>
              <th scope="col">Made</th>
              <th scope="col">Data until</th>
              <th scope="col" class="cell-number">
                Visits
              </th>
              <th scope="col" class="cell-number">
                Orders
              </th>
              <th scope="col" class="cell-number">
                ROC-AUC, visit
              </th>
              <th scope="col" class="cell-number">
                ROC-AUC, week
              </th>
              {may("models") && <th scope="col" aria-label="Promote" />}
            </tr>
          </thead>
          <tbody>
            {models.versions.map((row) => (
              <tr key={row.version}>
                <th scope="row">
                  <a href={`/models/${row.version}`} data-internal>
                    Model {row.version}
                  </a>
                </th>
                <td>
                  {row.can_serve ? (
                    <span class={`badge badge-${row.stage}`}>{words(row.stage)}</span>
                  ) : (
                    <span class="badge badge-cannot" title={row.why_not}>
                      Can't serve
                    </span>
                  )}
                </td>
                <td>
                  <Ago at={row.made} />
                </td>
                <td>{dateTime(row.window.to)}</td>
                <td class="cell-number">{short(row.n_sessions)}</td>
                <td class="cell-number">{short(row.n_orders)}</td>
                <td class="cell-number">{figure(row.metrics["session"]?.roc_auc)}</td>
                <td class="cell-number">{figure(row.metrics["week"]?.roc_auc)}</td>
                {may("models") && (
                  <td class="cell-number">
                    {row.stage !== "champion" && row.can_serve && (
                      <button
                        type="button"
                        class="button quiet small"
                        disabled={isBusy}
                        aria-label={`Promote model ${row.version}`}
                        onClick={() => {
                          asked.value = promotion(row);
                        }}
                      >
                        Promote
                      </button>
                    )}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
