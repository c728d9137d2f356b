// What is one version of the model? Its figures and its whole card.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get } from "../api";
import { dateTime, number, words } from "../format";
import { Problem, Waiting } from "../parts/text";
import type { ModelDetail } from "../types";
import { MetricsTable } from "./metrics";

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
          <section class="card model-card">
            <h2>Its card</h2>
            <Pairs of={known.card} />
          </section>
        </>
      )}
    </>
  );
}

/** Anything JSON, as names and values; deeper ones further in. */
function Pairs({ of }: { of: Record<string, unknown> }) {
  return (
    <dl class="pairs">
      {Object.entries(of).map(([name, value]) => (
        <div key={name}>
          <dt>{words(name).replace(/^N /, "Number of ")}</dt>
          <dd class="break">{isObject(value) ? <Pairs of={value} /> : valueText(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function valueText(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "number") return Number.isInteger(value) ? number(value) : String(Number(value.toPrecision(4)));
  if (Array.isArray(value))
    return value.map((item) => (isObject(item) ? JSON.stringify(item) : valueText(item))).join(", ");
  return String(value);
}
