// Who is on the site now? The list of visitors, moved by the live stream.

import { batch, type Signal, signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get } from "../api";
import { country, duration, money, now, pathOf, short, words } from "../format";
import { ledger, onVisitors, reconnects } from "../live";
import { Icon } from "../parts/icon";
import { Likely } from "../parts/likely";
import { Snippet } from "../parts/snippet";
import { Ago, Avatar, Empty, Problem, StateBadge, Waiting } from "../parts/text";
import { go, route } from "../router";
import type { State, VisitorPage, VisitorRow } from "../types";
import {
  arrive,
  belongs,
  byLikelihood,
  type Cell,
  type Filter,
  type LiveRow,
  type Merged,
  type Sort,
  update,
} from "./rows";

const LIMIT = 100;
const SEARCH_WAIT_MS = 250;
const RECOUNT_MS = 20_000;
/** So long after the last movement over the list new rows wait. */
const BUSY_MS = 4_000;
const STATES: [State | "", string][] = [
  ["", "Everyone"],
  ["first_time", "First visit"],
  ["returning", "Returning"],
  ["known", "Known"],
  ["paying", "Customers"],
];

const NOBODY: Merged = { order: [], waiting: [] };

class List {
  readonly rows = new Map<string, Signal<LiveRow>>();
  readonly ids = signal<Merged>(NOBODY);
  readonly total = signal<number | null>(null);
  readonly cursor = signal<string | null>(null);
  readonly error = signal<unknown>(null);
  /** Somebody is pointing or typing at the list: nothing may move under their hand. */
  private busyUntil = 0;
  private loading: AbortController | null = null;

  constructor(private filter: Filter) {}

  async load(filter: Filter): Promise<void> {
    this.filter = filter;
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    try {
      const page = await this.fetch(null, loading.signal);
      batch(() => {
        this.rows.clear();
        this.put(page.visitors);
        this.ids.value = { order: page.visitors.map((row) => row.visitor_id), waiting: [] };
        this.take(page);
      });
    } catch (error) {
      if (!loading.signal.aborted) this.error.value = error;
    }
  }

  async more(): Promise<void> {
    try {
      const page = await this.fetch(this.cursor.value);
      batch(() => {
        this.put(page.visitors);
        const { order, waiting } = this.ids.value;
        const known = new Set(order);
        const older = page.visitors.map((row) => row.visitor_id).filter((id) => !known.has(id));
        this.ids.value = { order: [...order, ...older], waiting };
        this.take(page);
      });
    } catch (error) {
      this.error.value = error;
    }
  }

  /** Rows from the stream. */
  changed(rows: VisitorRow[]): void {
    batch(() => {
      const fresh = rows.filter((row) => !this.rows.has(row.visitor_id) && belongs(row, this.filter));
      this.put(rows.filter((row) => this.rows.has(row.visitor_id)));
      if (!fresh.length) return;
      this.put(fresh);
      this.ids.value = arrive(
        this.ids.value,
        fresh.map((row) => row.visitor_id),
        this.isBusy,
      );
      for (const id of this.rows.keys()) {
        if (!this.ids.value.order.includes(id) && !this.ids.value.waiting.includes(id)) this.rows.delete(id);
      }
      if (!this.isBusy) this.settle();
    });
  }

  /** Sorted by likelihood, rows go where they belong now. */
  settle(): void {
    if (this.filter.sort !== "propensity") return;
    const { order, waiting } = this.ids.peek();
    const sorted = byLikelihood(order, (id) => this.rows.get(id)?.peek().row, this.filter.isLive);
    if (sorted.some((id, index) => id !== order[index])) this.ids.value = { order: sorted, waiting };
  }

  /** How many there are now; the stream only says who changed. */
  async recount(): Promise<void> {
    if (document.visibilityState !== "visible" || this.total.peek() === null) return;
    try {
      this.total.value = (await this.fetch(null, undefined, 1)).total;
    } catch {
      // The list says it when the server can't be reached.
    }
  }

  get isBusy(): boolean {
    return performance.now() < this.busyUntil;
  }

  touched(): void {
    this.busyUntil = performance.now() + BUSY_MS;
  }

  release(): void {
    batch(() => {
      this.ids.value = arrive(this.ids.value, [], false);
      this.settle();
    });
  }

  private fetch(cursor: string | null, signal?: AbortSignal, limit = LIMIT): Promise<VisitorPage> {
    const { isLive, state, query, sort } = this.filter;
    return get<VisitorPage>(
      "/api/visitors",
      {
        live: isLive && !query ? 1 : undefined,
        state,
        q: query,
        sort: sort === "last_seen" ? undefined : sort,
        limit,
        cursor,
      },
      signal,
    );
  }

  private put(rows: VisitorRow[]): void {
    for (const row of rows) {
      const known = this.rows.get(row.visitor_id);
      if (known) known.value = update(known.peek(), row);
      else this.rows.set(row.visitor_id, signal({ row, changes: {} }));
    }
  }

  private take(page: VisitorPage): void {
    this.total.value = page.total;
    this.cursor.value = page.cursor ?? null;
    this.error.value = null;
  }
}

function filterOf(query: URLSearchParams): Filter {
  const state = query.get("state") ?? "";
  return {
    isLive: query.get("show") !== "all",
    state: STATES.some(([known]) => known === state) ? (state as State | "") : "",
    query: query.get("q") ?? "",
    sort: query.get("sort") === "propensity" ? "propensity" : "last_seen",
  };
}

function toAddress(filter: Filter): string {
  const query = new URLSearchParams();
  if (!filter.isLive) query.set("show", "all");
  if (filter.state) query.set("state", filter.state);
  if (filter.query) query.set("q", filter.query);
  if (filter.sort !== "last_seen") query.set("sort", filter.sort);
  const text = query.toString();
  return text ? `/visitors?${text}` : "/";
}

export function VisitorsView() {
  const filter = filterOf(route.value.query);
  const kept = useRef<List | null>(null);
  kept.current ??= new List(filter);
  const list = kept.current;
  const nReconnects = reconnects.value;

  // Loads again for another filter, or after a lost stream.
  useEffect(() => {
    document.title = "Visitors · Footfall";
    list.load(filter);
  }, [filter.isLive, filter.state, filter.query, filter.sort, nReconnects]);
  useEffect(() => onVisitors((rows) => list.changed(rows)), [list]);
  useEffect(() => {
    const counting = setInterval(() => list.recount(), RECOUNT_MS);
    const releasing = setInterval(() => {
      if (list.isBusy) return;
      if (list.ids.peek().waiting.length) list.release();
      else list.settle();
    }, 1_000);
    return () => {
      clearInterval(counting);
      clearInterval(releasing);
    };
  }, [list]);

  const { order, waiting } = list.ids.value;
  return (
    <>
      <div class="head">
        <h1>Visitors</h1>
        <p class="head-note">
          {list.total.value !== null && (
            <>
              <strong>{short(Math.max(order.length + waiting.length, list.total.value))}</strong>{" "}
              {filter.query ? "found" : filter.isLive ? "on the site now" : "in all"}
            </>
          )}
        </p>
      </div>
      <Filters filter={filter} />
      {list.error.value ? <Problem error={list.error.value} onRetry={() => list.load(filter)} /> : null}
      {list.total.value === null ? (
        !list.error.value && <Waiting rows={8} />
      ) : order.length === 0 ? (
        <Nobody filter={filter} />
      ) : (
        <>
          {waiting.length > 0 && (
            <button type="button" class="pill" onClick={() => list.release()}>
              Show {waiting.length} new
            </button>
          )}
          <Table list={list} order={order} filter={filter} />
          {list.cursor.value && (
            <button type="button" class="button quiet more" onClick={() => list.more()}>
              Show more
            </button>
          )}
        </>
      )}
    </>
  );
}

/** A search looks among everyone, so it shows "All", and "Live" ends it. */
function Filters({ filter }: { filter: Filter }) {
  const timer = useRef(0);
  // What is being typed: the list may be drawn anew meanwhile.
  const typed = useSignal(filter.query);
  useEffect(() => {
    if (typed.peek().trim() !== filter.query) typed.value = filter.query;
  }, [filter.query]);
  const search = (event: Event) => {
    typed.value = (event.currentTarget as HTMLInputElement).value;
    const query = typed.value.trim();
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => go(toAddress({ ...filter, query }), true), SEARCH_WAIT_MS);
  };
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <fieldset class="choice">
        <legend class="hidden">Which visitors</legend>
        {[true, false].map((isLive) => (
          <label key={String(isLive)}>
            <input
              type="radio"
              name="live"
              checked={(filter.isLive && !filter.query) === isLive}
              onChange={() => go(toAddress({ ...filter, isLive, query: isLive ? "" : filter.query }))}
            />
            <span>{isLive ? "Live" : "All"}</span>
          </label>
        ))}
      </fieldset>
      <select
        aria-label="State"
        value={filter.state}
        onChange={(event) => go(toAddress({ ...filter, state: event.currentTarget.value as State | "" }))}
      >
        {STATES.map(([state, text]) => (
          <option key={state} value={state}>
            {text}
          </option>
        ))}
      </select>
      <label class="search">
        <Icon name="search" />
        <span class="hidden">Search by id, name or e-mail</span>
        <input
          type="search"
          placeholder="Search by id, name or e-mail"
          value={typed.value}
          onInput={search}
          maxLength={200}
        />
      </label>
    </form>
  );
}

function Nobody({ filter }: { filter: Filter }) {
  if (filter.query) {
    return (
      <Empty title="Nobody like this">
        <p>
          Ids are found by their beginning, people by words of the name or e‑mail address that your shop sends with{" "}
          <code>identify</code>
          {filter.state ? "; here only those of the state that is chosen" : ""}.
        </p>
      </Empty>
    );
  }
  if ((ledger.value?.received ?? 0) > 0) {
    return (
      <Empty title={filter.isLive ? "Nobody is on the site right now" : "Nobody in this state yet"}>
        <p>The next visitor appears here by themselves.</p>
        {filter.isLive && (
          <a class="button quiet" href={toAddress({ ...filter, isLive: false })} data-internal>
            Show everyone so far
          </a>
        )}
      </Empty>
    );
  }
  return (
    <Empty title="Waiting for the first visitor">
      <p>Put this line into the head of your shop's pages. The first click shows up here within a second.</p>
      <Snippet />
    </Empty>
  );
}

const COLUMNS: [name: string, className: string, sort?: Sort][] = [
  ["Visitor", "cell-who"],
  ["Likely to order", "cell-likely", "propensity"],
  ["Last seen", "cell-seen", "last_seen"],
  ["Where", "cell-where"],
  ["Session", "cell-session"],
  ["Came by", "cell-channel"],
  ["Place", "cell-place"],
  ["Cart", "cell-number cell-cart"],
  ["Orders", "cell-number cell-orders"],
];

function Table({ list, order, filter }: { list: List; order: string[]; filter: Filter }) {
  const touched = () => list.touched();
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only keeps rows from moving under the hand.
    <div class="table-box" onMouseMove={touched} onTouchStart={touched} onFocusIn={touched} onKeyDown={touched}>
      {/* Roles are said, because narrow screens show rows as cards, and lose the table's own. */}
      <table class="visitors" role="table">
        <thead>
          <tr role="row">
            {COLUMNS.map(([column, className, sort]) => (
              <th
                key={column}
                scope="col"
                role="columnheader"
                class={className}
                aria-sort={sort && (filter.sort === sort ? "descending" : "none")}
              >
                {sort ? (
                  <a href={toAddress({ ...filter, sort })} data-internal title="Highest and latest first">
                    {column} <Icon name="down" />
                  </a>
                ) : (
                  column
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {order.map((id) => {
            const row = list.rows.get(id);
            return row && <Row key={id} live={row} />;
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Anywhere in a row is good enough to open it; the name is the link that keyboards and readers find. */
function open(click: MouseEvent, href: string): void {
  if ((click.target as Element).closest("a") || String(getSelection())) return;
  if (click.metaKey || click.ctrlKey || click.button === 1) window.open(href, "_blank", "noopener");
  else {
    go(href);
    scrollTo(0, 0);
  }
}

const LIVE_MS = 300_000;

function Row({ live }: { live: Signal<LiveRow> }) {
  const { row, changes } = live.value;
  const isLive = !row.session.ended && now.peek() - Date.parse(row.last_seen) < LIVE_MS;
  // Two animations of the same look, so that a second change starts anew.
  const lit = (cell: Cell) => {
    const n = changes[cell] ?? 0;
    return n === 0 ? "" : n % 2 ? "lit-odd" : "lit-even";
  };
  const href = `/visitors/${encodeURIComponent(row.visitor_id)}`;
  const share = row.propensity?.session;
  return (
    <tr
      class={row.session.ended ? "gone" : ""}
      role="row"
      data-visitor={row.visitor_id}
      onClick={(click) => open(click, href)}
      onAuxClick={(click) => click.button === 1 && open(click, href)}
    >
      <td class={`cell-who ${lit("state")}`} role="cell">
        <a href={href} data-internal>
          <Avatar id={row.visitor_id} isLive={isLive} />
          <span class="who-text">
            <span class="who-label">{row.label}</span>
            <StateBadge state={row.state} />
          </span>
        </a>
      </td>
      <td role="cell" data-column="Likely to order" class={`cell-likely ${lit("likely")}`}>
        {share === null || share === undefined ? (
          <span class="none">–</span>
        ) : (
          <Likely share={share} isPrior={row.propensity.scored_by === "prior"} />
        )}
      </td>
      <td role="cell" data-column="Last seen" class="cell-seen">
        <Ago at={row.last_seen} />
      </td>
      <td role="cell" data-column="Where" class={`cell-where ${lit("where")}`}>
        <span class="section">{row.section ? row.section.split("/").map(words).join(" › ") : "–"}</span>
        {row.url && (
          <span class="path" title={row.url}>
            {pathOf(row.url)}
          </span>
        )}
      </td>
      <td role="cell" data-column="Session" class={`cell-session ${lit("session")}`}>
        <span class="nowrap">
          {short(row.session.n_events)} {row.session.n_events === 1 ? "event" : "events"}
        </span>
        <span class="sub nowrap">
          {duration(row.session.dwell_s)}
          {row.session.number > 1 && ` · visit ${short(row.session.number)}`}
        </span>
      </td>
      <td role="cell" data-column="Came by" class={`cell-channel ${lit("channel") || lit("device")}`}>
        <span class="nowrap">{words(row.channel)}</span>
        {row.device && row.device !== "unknown" && <span class="sub nowrap">on {words(row.device).toLowerCase()}</span>}
      </td>
      <td role="cell" data-column="Place" class={`cell-place ${lit("place")}`}>
        <span class="nowrap">{row.geo.city || row.geo.region || country(row.geo)}</span>
        {(row.geo.city || row.geo.region) && row.geo.country && <span class="sub nowrap">{country(row.geo)}</span>}
      </td>
      <td role="cell" data-column="Cart" class={`cell-number cell-cart ${lit("cart")}`}>
        {row.cart.n_items > 0 ? (
          <>
            <strong>{money(row.cart.value, row.currency)}</strong>
            <span class="sub">
              {short(row.cart.n_items)} {row.cart.n_items === 1 ? "item" : "items"}
            </span>
          </>
        ) : (
          <span class="none">–</span>
        )}
      </td>
      <td role="cell" data-column="Orders" class={`cell-number cell-orders ${lit("orders")}`}>
        {row.orders.n > 0 ? (
          <>
            <strong>{money(row.orders.revenue, row.currency)}</strong>
            <span class="sub">
              {short(row.orders.n)} {row.orders.n === 1 ? "order" : "orders"}
            </span>
          </>
        ) : (
          <span class="none">–</span>
        )}
      </td>
    </tr>
  );
}
