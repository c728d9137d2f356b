// What is one version of the model? Its figures and its whole card.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { get } from "../api";
import { dateTime, number, words } from "../format";
import { Share } from "../parts/share";
import { Problem, Waiting } from "../parts/text";
import type { ModelDetail } from "../types";
import { MetricsTable, TARGETS } from "./metrics";

export function ModelView({ version }: { version: string }) {
  const model = useSignal<ModelDetail | null>(null);
  const error = useSignal<unknown>(null);
  const load = () =>
    get<ModelDetail>(`/api/models/${encodeURIComponent(version)}`).then(
      (answer) => {
        model.value = answer;
        error.value = null;
      },
      (problem: unknown) => {
        error.value = problem;
      },
    );
  useEffect(() => {
    document.title = `Model ${version} · Footfall`;
    load();
  }, []);
  const known = model.value;
  return (
    <>
      <div class="head">
        <h1>Model {version}</h1>
        {known && (
          <p class="head-note">
            {words(known.stage)}, made {dateTime(known.made)}
          </p>
        )}
        <a class="button quiet" href="/models" data-internal>
          All models
        </a>
      </div>
      {error.value ? <Problem error={error.value} onRetry={load} /> : null}
      {!known && !error.value && <Waiting rows={5} />}
      {known && (
        <>
          {!known.can_serve && <Problem error={known.why_not} />}
          <section class="card">
            <h2>How well it foretells</h2>
            <MetricsTable row={known} />
          </section>
          <div class="contest">
            {known.targets.map((target) => (
              <Target
                key={target}
                name={TARGETS[target] ?? words(target)}
                card={partOf(partOf(known.card)["targets"])[target]}
              />
            ))}
          </div>
          <section class="card model-card">
            <details>
              <summary>Its whole card</summary>
              <Pairs of={known.card} />
            </details>
          </section>
        </>
      )}
    </>
  );
}

const EFFECTS_SHOWN = 10;

/** What a target's trees listen to, and how soon in a visit they know something; as far as the card says so. */
function Target({ name, card }: { name: string; card: unknown }) {
  const effects = figuresOf(partOf(card)["effects"]).slice(0, EFFECTS_SHOWN);
  const bySeen = figuresOf(partOf(card)["roc_auc_by_seen"]);
  const most = Math.max(0.001, ...effects.map(([, effect]) => effect));
  if (!effects.length && !bySeen.length) return null;
  return (
    <section class="card">
      <h2>{name}</h2>
      {effects.length > 0 && (
        <>
          <h3 class="within">
            What moves it most <small>mean effect in log-odds</small>
          </h3>
          {effects.map(([feature, effect]) => (
            <Share key={feature} name={<code>{feature}</code>} share={effect / most} text={effect.toFixed(2)} />
          ))}
        </>
      )}
      {bySeen.length > 0 && (
        <>
          <h3 class="within">
            How soon it knows <small>ROC-AUC by events seen; 0.5 is a coin</small>
          </h3>
          {bySeen.map(([seen, auc]) => (
            <Share
              key={seen}
              name={`${seen} ${seen === "1" ? "event" : "events"}`}
              share={(auc - 0.5) * 2}
              text={auc.toFixed(2)}
            />
          ))}
        </>
      )}
    </section>
  );
}

const partOf = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {});

const figuresOf = (value: unknown): [string, number][] =>
  Object.entries(partOf(value)).filter((pair): pair is [string, number] => typeof pair[1] === "number");

const MANY = 12;
const EPOCH_MS = 1e12;

/** Anything JSON, as names and values; deeper ones further in. */
function Pairs({ of }: { of: Record<string, unknown> }) {
  return (
    <dl class="pairs">
      {Object.entries(of).map(([name, value]) => (
        <div key={name}>
          <dt>{words(name.replace(/^n_/, "number of ").replace(/_ms$/, ""))}</dt>
          <dd class="break">
            <Value name={name} value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ name, value }: { name: string; value: unknown }): ComponentChildren {
  if (isObject(value)) return Object.keys(value).length ? <Pairs of={value} /> : "–";
  if (name.endsWith("_ms") && typeof value === "number" && value > EPOCH_MS) {
    return dateTime(new Date(value).toISOString());
  }
  if (Array.isArray(value) && value.length > MANY) {
    return (
      <details>
        <summary>{number(value.length)}</summary>
        {textOf(value)}
      </details>
    );
  }
  return textOf(value);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function textOf(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "number") return Number.isInteger(value) ? number(value) : String(Number(value.toPrecision(4)));
  if (Array.isArray(value))
    return value.map((item) => (isObject(item) ? JSON.stringify(item) : textOf(item))).join(", ");
  return String(value);
}
