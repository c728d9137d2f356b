// Where did every event end? The books of the server: what came in equals what was done with it.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { milliseconds, number, short } from "../format";
import { ledger, rates, samples } from "../live";
import { Snippet } from "../parts/snippet";
import { Sparkline } from "../parts/sparkline";
import { Empty, Waiting } from "../parts/text";
import type { Ledger } from "../types";

const SLOTS = 120;

export function LedgerView() {
  useEffect(() => {
    document.title = "Ledger · Footfall";
  }, []);
  const books = ledger.value;
  return (
    <>
      <div class="head">
        <h1>Ledger</h1>
        <p class="head-note">Every event that was accepted ends in exactly one place.</p>
      </div>
      {books === null ? (
        <Waiting rows={4} />
      ) : books.received === 0 ? (
        <Empty title="Nothing received yet">
          <p>Put this line into the head of your shop's pages, or send an event with any Segment client.</p>
          <Snippet />
        </Empty>
      ) : (
        <Books books={books} />
      )}
    </>
  );
}

function Books({ books }: { books: Ledger }) {
  const accounted = books.applied + books.duplicate + books.failed + books.lag_events;
  const isEven = accounted === books.received;
  return (
    <>
      <p class={`equation ${isEven ? "" : "uneven"}`}>
        <Term name="received" value={books.received} /> <span>=</span> <Term name="applied" value={books.applied} />{" "}
        <span>+</span> <Term name="duplicate" value={books.duplicate} /> <span>+</span>{" "}
        <Term name="failed" value={books.failed} /> <span>+</span> <Term name="waiting" value={books.lag_events} />
        <strong class="verdict" role="status">
          {isEven ? "The books balance" : `${number(Math.abs(books.received - accounted))} unaccounted for`}
        </strong>
      </p>
      <Shares books={books} />
      <div class="charts">
        <Moving
          title="Received"
          values={rates(samples.value, "received")}
          unit="events/s"
          about="What clients sent and the server wrote to disk before it said 200."
        />
        <Moving
          title="Applied"
          values={rates(samples.value, "applied")}
          unit="events/s"
          about="What has changed its visitor's profile."
        />
        <Moving
          title="Waiting"
          values={samples.value.map(({ lag }) => lag)}
          unit="events"
          about={`In the log, not yet applied. The oldest has waited ${milliseconds(books.lag_ms)}.`}
        />
      </div>
      <dl class="explained">
        <Explained name="Received">
          Every event in the log, good or bad. Once it is here it isn't lost, even if the machine dies.
        </Explained>
        <Explained name="Applied">The event moved its visitor's record, once.</Explained>
        <Explained name="Duplicate">
          Same message id within the last days, or an order already counted. Clients that try again cause these; they do
          no harm.
        </Explained>
        <Explained name="Failed">
          The event can't be used as it is.{" "}
          <a href="/failed" data-internal>
            Each is kept with its reason
          </a>{" "}
          and can be tried again.
        </Explained>
        <Explained name="Waiting">
          On disk and next in line. Usually none; it grows for a moment when a lot comes at once.
        </Explained>
      </dl>
    </>
  );
}

function Term({ name, value }: { name: string; value: number }) {
  return (
    <span class={`term term-${name}`}>
      <b>{number(value)}</b>
      <small>{name}</small>
    </span>
  );
}

function Shares({ books }: { books: Ledger }) {
  const parts: [string, number][] = [
    ["applied", books.applied],
    ["duplicate", books.duplicate],
    ["failed", books.failed],
    ["waiting", books.lag_events],
  ];
  const whole = Math.max(
    1,
    parts.reduce((sum, [, n]) => sum + n, 0),
  );
  let x = 0;
  const text = parts.map(([name, n]) => `${((n / whole) * 100).toFixed(1)} % ${name}`).join(", ");
  return (
    <svg class="shares" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label={text}>
      {parts.map(([name, n]) => {
        // A single one is still to be seen among millions.
        const width = n ? Math.max(3, (n / whole) * 1_000) : 0;
        x += width;
        return <rect key={name} class={`share-${name}`} x={x - width} width={width} height="10" />;
      })}
    </svg>
  );
}

function Moving(props: { title: string; values: number[]; unit: string; about: string }) {
  const shown = props.values.slice(-SLOTS);
  const last = shown.at(-1) ?? 0;
  const most = Math.max(0, ...shown);
  return (
    <section class="card moving">
      <h2>{props.title}</h2>
      <p class="moving-now">
        {short(Math.round(last))} <small>{props.unit}</small>
      </p>
      <Sparkline
        values={shown}
        slots={SLOTS}
        label={`${props.title}: now ${Math.round(last)} ${props.unit}, at most ${Math.round(most)} in the last two minutes`}
      />
      <p class="sub">{props.about}</p>
    </section>
  );
}

function Explained({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
