// Who is like this visitor, and what became of them? Nearest visits, by number or by nearness, past or on the site now.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, Refusal } from "../api";
import { number, percent, short } from "../format";
import { Ago, Avatar, Problem, Waiting } from "../parts/text";
import type { SimilarPage, SimilarVisitor } from "../types";

const CHOSEN_MS = 200;
/** While the visitor goes on, neighbours are looked up again at most this often. */
const MOVED_MS = 3_000;
const N_MAX = 200;
const AMONG = [
  ["past", "Past visits"],
  ["live", "On the site now"],
  ["all", "All"],
] as const;

type Among = (typeof AMONG)[number][0];

/** `nearness` is the least similarity shown; the API calls its complement the radius. */
interface Choice {
  by: "number" | "nearness";
  n: number;
  nearness: number;
  among: Among;
}

export function Similar({ id, lastSeen }: { id: string; lastSeen: string }) {
  const choice = useSignal<Choice>({ by: "number", n: 50, nearness: 0.7, among: "past" });
  const page = useSignal<SimilarPage | null>(null);
  const error = useSignal<unknown>(null);
  const isStale = useSignal(false);
  const tries = useSignal(0);
  const load = async (asked: Choice, aborter: AbortController) => {
    try {
      const answer = await get<SimilarPage>(
        `/api/visitors/${encodeURIComponent(id)}/similar`,
        asked.by === "number"
          ? { n: asked.n, among: asked.among }
          : { n: N_MAX, radius: Number((1 - asked.nearness).toFixed(2)), among: asked.among },
        aborter.signal,
      );
      if (aborter.signal.aborted) return;
      page.value = answer;
      error.value = null;
      isStale.value = false;
    } catch (problem) {
      if (!aborter.signal.aborted) error.value = problem;
    }
  };

  const asked = choice.value;
  const nTries = tries.value;
  useEffect(() => {
    isStale.value = true;
    const aborter = new AbortController();
    const timer = setTimeout(() => load(asked, aborter), page.peek() ? CHOSEN_MS : 0);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [asked, nTries]);
  useEffect(() => {
    if (!page.peek()) return;
    const aborter = new AbortController();
    const timer = setTimeout(() => load(choice.peek(), aborter), MOVED_MS);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [lastSeen]);

  const change = (part: Partial<Choice>) => {
    choice.value = { ...choice.peek(), ...part };
  };
  const answer = page.value;
  // A server that knows no similar visitors yet simply shows none.
  if (!answer && error.value instanceof Refusal && error.value.status === 404) return null;
  return (
    <section class="card similar" aria-labelledby="similar-title">
      <h2 id="similar-title">
        Similar visitors{" "}
        <small>
          {answer && !answer.is_learned
            ? "by behaviour, until a model has been trained"
            : "heading the same way for the same reasons"}
        </small>
      </h2>
      <Controls choice={asked} change={change} />
      {error.value ? <Problem error={error.value} onRetry={() => tries.value++} /> : null}
      {answer ? (
        <Found page={answer} isStale={isStale.value} among={asked.among} />
      ) : (
        !error.value && <Waiting rows={4} />
      )}
    </section>
  );
}

function Controls({ choice, change }: { choice: Choice; change: (part: Partial<Choice>) => void }) {
  const isNumber = choice.by === "number";
  return (
    <div class="filters">
      <fieldset class="choice">
        <legend class="hidden">Among whom</legend>
        {AMONG.map(([among, text]) => (
          <label key={among}>
            <input type="radio" name="among" checked={choice.among === among} onChange={() => change({ among })} />
            <span>{text}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="choice">
        <legend class="hidden">How many</legend>
        {(["number", "nearness"] as const).map((by) => (
          <label key={by}>
            <input type="radio" name="by" checked={choice.by === by} onChange={() => change({ by })} />
            <span>{by === "number" ? "The nearest" : "At least this alike"}</span>
          </label>
        ))}
      </fieldset>
      <label class="slider">
        <span class="hidden">{isNumber ? "How many of the nearest" : "Least similarity in percent"}</span>
        <input
          key={choice.by}
          type="range"
          min="5"
          max={isNumber ? N_MAX : 95}
          step="5"
          value={isNumber ? choice.n : Math.round(choice.nearness * 100)}
          aria-valuetext={
            isNumber ? `the nearest ${choice.n}` : `at least ${Math.round(choice.nearness * 100)} percent alike`
          }
          onInput={(event) => {
            const value = Number(event.currentTarget.value);
            change(isNumber ? { n: value } : { nearness: value / 100 });
          }}
        />
        <output>{isNumber ? choice.n : `${Math.round(choice.nearness * 100)} %`}</output>
      </label>
    </div>
  );
}

function Found({ page, isStale, among }: { page: SimilarPage; isStale: boolean; among: Among }) {
  const { similar } = page;
  if (!similar.length) {
    return (
      <p class="sub" role="status">
        {among === "live"
          ? "Nobody on the site is like this right now."
          : "No visit is like this. Choose more, or less alike."}
      </p>
    );
  }
  const over = similar.filter(({ ordered }) => ordered !== null);
  const nOrdered = over.filter(({ ordered }) => ordered).length;
  return (
    <>
      <p class="similar-sum" role="status">
        {over.length > 0 ? (
          <>
            <strong>{number(nOrdered)}</strong> of {number(over.length)} visits like this ended with an order
          </>
        ) : (
          `${number(similar.length)} on the site are like this`
        )}
        {typeof page.propensity_by_neighbours === "number" && (
          <>
            {" · "}
            <strong>{percent(page.propensity_by_neighbours)}</strong> likely, judging by neighbours
          </>
        )}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <ol class={`alike ${isStale ? "stale" : ""}`} tabIndex={0} aria-label="Similar visitors, nearest first">
        {similar.map((visitor) => (
          <Alike key={`${visitor.visitor_id} ${visitor.session_number}`} visitor={visitor} />
        ))}
      </ol>
    </>
  );
}

function Alike({ visitor }: { visitor: SimilarVisitor }) {
  return (
    <li>
      <a class="alike-who" href={`/visitors/${encodeURIComponent(visitor.visitor_id)}`} data-internal>
        <Avatar id={visitor.visitor_id} isLive={visitor.is_live} />
        <span class="who-text">
          <span class="who-label">{visitor.label}</span>
          <span class="sub">
            Visit {short(visitor.session_number)} · <Ago at={visitor.at} />
          </span>
        </span>
      </a>
      <span class="alike-near">
        {percent(visitor.similarity)} alike
        <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
          <rect width={(visitor.similarity * 100).toFixed(1)} height="6" rx="2" />
        </svg>
      </span>
      <span class="alike-end">
        {visitor.ordered === null ? (
          <span class="badge badge-first_time">
            {typeof visitor.propensity === "number" ? `${percent(visitor.propensity)} likely` : "Still here"}
          </span>
        ) : visitor.ordered ? (
          <span class="badge badge-ordered">Ordered</span>
        ) : (
          <span class="badge">No order</span>
        )}
      </span>
      <ul class="alike-shared">
        {visitor.shared.map((shared) => (
          <li key={shared.feature} class={shared.effect >= 0 ? "reason-up" : "reason-down"}>
            <span class="reason-sign" aria-hidden="true">
              {shared.effect >= 0 ? "+" : "−"}
            </span>{" "}
            <span class="break">{shared.words || shared.feature}</span>
          </li>
        ))}
      </ul>
    </li>
  );
}
