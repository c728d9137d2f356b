// What was refused, why, and what can be done? Each refused event with its reason, and the way to try it again.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get, may, post } from "../api";
import { dateTime, number, short, words } from "../format";
import { ledger } from "../live";
import { Ago, CopyButton, Empty, Problem, Waiting } from "../parts/text";
import type { FailedEvent, FailedPage, Replayed } from "../types";

const LIMIT = 50;

export function FailedView() {
  const page = useSignal<FailedPage | null>(null);
  const reason = useSignal("");
  const error = useSignal<unknown>(null);
  const said = useSignal("");
  const isBusy = useSignal(false);
  const isUp = useRef(true);

  const load = async (cursor: string | null = null) => {
    try {
      const answer = await get<FailedPage>("/api/failed", { limit: LIMIT, reason: reason.peek(), cursor });
      if (!isUp.current) return;
      const before = cursor ? (page.peek()?.failed ?? []) : [];
      page.value = { ...answer, failed: [...before, ...answer.failed] };
      error.value = null;
    } catch (problem) {
      error.value = problem;
    }
  };
  const replay = async (what: { offsets: number[] } | { all: true; reason?: string }) => {
    isBusy.value = true;
    said.value = "";
    try {
      const { replayed } = await post<Replayed>("/api/failed/replay", what);
      said.value = `${number(replayed)} ${replayed === 1 ? "event goes" : "events go"} through again. What fails again comes back here.`;
      await load();
    } catch (problem) {
      error.value = problem;
    } finally {
      isBusy.value = false;
    }
  };
  const choose = (next: string) => {
    reason.value = next;
    load();
  };

  const nFailed = ledger.value?.failed ?? 0;
  // Loads again when the ledger counts another failure.
  useEffect(() => {
    document.title = "Failed events · Footfall";
    if (!page.peek() || page.peek()!.failed.length <= LIMIT) load();
  }, [nFailed]);
  useEffect(
    () => () => {
      isUp.current = false;
    },
    [],
  );

  const known = page.value;
  const reasons = Object.entries(known?.by_reason ?? {}).sort(([, a], [, b]) => b - a);
  const nOpen = reasons.reduce((sum, [, n]) => sum + n, 0);
  return (
    <>
      <div class="head">
        <h1>Failed events</h1>
        <p class="head-note">Kept with their reason, until they are tried again.</p>
        {nOpen > 0 && may("replay") && (
          <button
            type="button"
            class="button"
            disabled={isBusy.value}
            onClick={() => replay(reason.value ? { all: true, reason: reason.value } : { all: true })}
          >
            Try {reason.value ? `these ${short(known?.by_reason[reason.value] ?? 0)}` : `all ${short(nOpen)}`} again
          </button>
        )}
      </div>
      <p class="said-well" role="status">
        {said.value}
      </p>
      {error.value ? <Problem error={error.value} onRetry={() => load()} /> : null}
      {reasons.length > 0 && (
        <fieldset class="chips">
          <legend class="hidden">Reason</legend>
          <Chip name="All" n={nOpen} isOn={!reason.value} onChoose={() => choose("")} />
          {reasons.map(([code, n]) => (
            <Chip key={code} name={words(code)} n={n} isOn={reason.value === code} onChoose={() => choose(code)} />
          ))}
        </fieldset>
      )}
      {known === null ? (
        !error.value && <Waiting rows={5} />
      ) : known.failed.length === 0 ? (
        <Empty title="Nothing failed">
          <p>
            Every event so far could be used. When one can't, it is kept here with its reason and what to do about it.
          </p>
        </Empty>
      ) : (
        <>
          <ul class="failed">
            {known.failed.map((event) => (
              <Failure
                key={event.offset}
                event={event}
                isBusy={isBusy.value}
                onReplay={() => replay({ offsets: [event.offset] })}
              />
            ))}
          </ul>
          {known.cursor !== null && known.cursor !== undefined && (
            <button type="button" class="button quiet more" onClick={() => load(known.cursor)}>
              Show more
            </button>
          )}
        </>
      )}
    </>
  );
}

function Chip(props: { name: string; n: number; isOn: boolean; onChoose: () => void }) {
  return (
    <label class="chip">
      <input type="radio" name="reason" checked={props.isOn} onChange={props.onChoose} />
      <span>
        {props.name} <b>{short(props.n)}</b>
      </span>
    </label>
  );
}

function Failure({ event, isBusy, onReplay }: { event: FailedEvent; isBusy: boolean; onReplay: () => void }) {
  const text = typeof event.event === "string" ? event.event : JSON.stringify(event.event, null, 2);
  return (
    <li class="card failure">
      <div class="failure-head">
        <div>
          <h2>{words(event.reason)}</h2>
          <span class="sub" title={dateTime(event.received_at)}>
            <Ago at={event.received_at} /> · no. {number(event.offset)}
          </span>
        </div>
        {may("replay") && (
          <button type="button" class="button quiet small" disabled={isBusy} onClick={onReplay}>
            Try again
          </button>
        )}
      </div>
      <p>{event.advice}</p>
      {event.detail && <p class="sub break">{event.detail}</p>}
      <details>
        <summary>The event as it came</summary>
        <pre>
          <code>{text}</code>
        </pre>
        <CopyButton text={text} label="Copy" />
      </details>
    </li>
  );
}
