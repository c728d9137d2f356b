// How good is a model? Its figures on visits it hadn't seen, and how they differ from another's.

import { words } from "../format";
import type { ModelMetrics, ModelRow } from "../types";

/** What is foretold: an order … */
export const TARGETS: Record<string, string> = { session: "This visit", week: "Seven days" };
const METRICS: [keyof ModelMetrics, string, string][] = [
  ["roc_auc", "ROC-AUC", "How often a visit with an order gets the higher score of two. 0.5 is a coin, 1 is perfect."],
  [
    "pr_auc",
    "PR-AUC",
    "Precision averaged over all shares of orders found. The share of visits with an order is a coin.",
  ],
  ["log_loss", "Log-loss", "Price of the probabilities given; lower is better."],
  ["brier", "Brier", "Mean squared error of the probabilities; lower is better."],
  ["ece", "ECE", "How far probabilities lie from what came, on average; 0 is perfectly calibrated."],
];

export function MetricsTable({ row, than }: { row: ModelRow; than?: ModelRow | undefined }) {
  const targets = row.targets.filter((target) => row.metrics[target]);
  if (!targets.length) return null;
  return (
    <div class="scroll">
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">On new visits</th>
            {METRICS.map(([name, text, about]) => (
              <th key={name} scope="col" class="cell-number" title={about}>
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {targets.map((target) => (
            <tr key={target}>
              <th scope="row">{TARGETS[target] ?? words(target)}</th>
              {METRICS.map(([name]) => (
                <td key={name} class="cell-number">
                  {figure(row.metrics[target]?.[name])}
                  <Difference now={row.metrics[target]?.[name]} before={than?.metrics[target]?.[name]} name={name} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export const figure = (value: number | null | undefined) =>
  typeof value === "number" ? value.toFixed(Math.abs(value) < 0.1 ? 4 : 3) : "–";

function Difference(props: { now?: number | null | undefined; before?: number | null | undefined; name: string }) {
  const { now, before, name } = props;
  if (typeof now !== "number" || typeof before !== "number" || Math.abs(now - before) < 0.0005) return null;
  const isBetter = now > before === name.endsWith("_auc");
  return (
    <span class={`difference ${isBetter ? "better" : "worse"}`}>
      {now > before ? "+" : "−"}
      {Math.abs(now - before).toFixed(3)}
      <span class="hidden">{isBetter ? "better" : "worse"}</span>
    </span>
  );
}
