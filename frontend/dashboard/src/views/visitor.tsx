// Who is this visitor? Everything known about one: what they will do, who is like them, ids, traits, cart, features, the past.

import { type Signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { get, may, post, Refusal } from "../api";
import {
  clock,
  dateTime,
  day,
  duration,
  featureValue,
  money,
  number,
  pathOf,
  place,
  short,
  unitOf,
  words,
} from "../format";
import { onVisitors, reconnects } from "../live";
import { Icon, iconOfKind } from "../parts/icon";
import { Ago, Avatar, CopyButton, Empty, PageLink, Problem, StateBadge, Waiting } from "../parts/text";
import type { Feature, FeatureList, Merge, MergeList, TimelineItem, TimelinePage, Visitor, VisitorRow } from "../types";
import { Outlook } from "./outlook";
import { Similar } from "./similar";
import { bySession, isMinor, type SessionGroup } from "./timeline";

const TIMELINE_LIMIT = 100;
const REFRESH_MS = 700;

interface Known {
  visitor: Signal<Visitor | null>;
  row: Signal<VisitorRow | null>;
  items: Signal<TimelineItem[]>;
  cursor: Signal<string | null>;
  merges: Signal<Merge[]>;
  error: Signal<unknown>;
  load: () => Promise<void>;
}

function useVisitor(id: string): Known {
  const visitor = useSignal<Visitor | null>(null);
  const row = useSignal<VisitorRow | null>(null);
  const items = useSignal<TimelineItem[]>([]);
  const cursor = useSignal<string | null>(null);
  const merges = useSignal<Merge[]>([]);
  const error = useSignal<unknown>(null);
  const path = `/api/visitors/${encodeURIComponent(id)}`;

  const load = async () => {
    try {
      const [whole, past, joined] = await Promise.all([
        get<Visitor>(path),
        get<TimelinePage>(`${path}/timeline`, { limit: TIMELINE_LIMIT }),
        get<MergeList>(`${path}/merges`),
      ]);
      visitor.value = whole;
      // Older pages that were opened stay; the newest page replaces what it overlaps.
      const oldest = past.items.at(-1)?.time ?? "";
      const older = items.peek().filter((item) => item.time < oldest);
      items.value = [...past.items, ...(past.cursor ? older : [])];
      if (!older.length) cursor.value = past.cursor ?? null;
      merges.value = joined.merges;
      error.value = null;
    } catch (problem) {
      error.value = problem;
    }
  };

  const nReconnects = reconnects.value;
  // Loads again after a lost stream.
  useEffect(() => {
    load();
  }, [nReconnects]);
  useEffect(() => {
    let timer = 0;
    const stop = onVisitors((rows) => {
      const mine = visitor.peek()?.visitor_id ?? id;
      const changed = rows.find((changedRow) => changedRow.visitor_id === mine);
      if (!changed) return;
      row.value = changed;
      timer ||= window.setTimeout(() => {
        timer = 0;
        load();
      }, REFRESH_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  return { visitor, row, items, cursor, merges, error, load };
}

export function VisitorView({ id }: { id: string }) {
  const known = useVisitor(id);
  const visitor = known.visitor.value;
  const label = visitor ? labelOf(visitor) : id;
  useEffect(() => {
    document.title = `${label} · Footfall`;
  }, [label]);

  const error = known.error.value;
  if (!visitor) {
    if (error instanceof Refusal && error.status === 404) {
      return (
        <Empty title="There is no such visitor">
          <p>The id may belong to another shop, or the visitor was erased.</p>
          <a class="button quiet" href="/" data-internal>
            Back to the visitors
          </a>
        </Empty>
      );
    }
    return error ? <Problem error={error} onRetry={known.load} /> : <Waiting rows={8} />;
  }
  const currency = visitor.cart.currency ?? known.row.value?.currency ?? "";
  return (
    <>
      <a class="back" href="/" data-internal>
        <Icon name="back" /> Visitors
      </a>
      <Head visitor={visitor} label={label} />
      {error ? <Problem error={error} onRetry={known.load} /> : null}
      <Tiles visitor={visitor} currency={currency} />
      <div class="foreseen">
        {visitor.propensity && <Outlook propensity={visitor.propensity} />}
        <Similar id={visitor.visitor_id} lastSeen={visitor.last_seen} />
      </div>
      <div class="columns">
        <div class="column">
          <Timeline known={known} currency={currency} />
        </div>
        <div class="column">
          <Cart visitor={visitor} currency={currency} />
          <Identities visitor={visitor} />
          <Merges known={known} />
          <Traits visitor={visitor} />
          <Facts visitor={visitor} />
          <Sections visitor={visitor} />
          <Counts visitor={visitor} />
        </div>
      </div>
      <Features visitor={visitor} currency={currency} />
    </>
  );
}

/** The name a person would use for this visitor. */
function labelOf(visitor: Visitor): string {
  const text = (value: unknown) => (typeof value === "string" && value.trim() ? value : null);
  const { traits } = visitor;
  const user = visitor.identities.find(({ type }) => type === "user")?.id;
  return text(traits["name"]) ?? text(traits["email"]) ?? user ?? `Visitor ${visitor.visitor_id.slice(0, 8)}`;
}

function Card({ title, note, children }: { title: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="card">
      <h2>
        {title} {note && <small>{note}</small>}
      </h2>
      {children}
    </section>
  );
}

function Head({ visitor, label }: { visitor: Visitor; label: string }) {
  return (
    <div class="visitor-head">
      <Avatar id={visitor.visitor_id} />
      <div>
        <h1>{label}</h1>
        <p>
          <StateBadge state={visitor.state} /> last seen <Ago at={visitor.last_seen} /> · first seen{" "}
          {dateTime(visitor.first_seen)}
        </p>
      </div>
      <div class="visitor-id">
        <code title="Visitor id">{visitor.visitor_id}</code>
        <CopyButton text={visitor.visitor_id} label="Copy id" />
      </div>
    </div>
  );
}

function Tiles({ visitor, currency }: { visitor: Visitor; currency: string }) {
  const nEvents = Object.values(visitor.counts).reduce((sum, n) => sum + n, 0);
  const nNow = Object.values(visitor.session_counts).reduce((sum, n) => sum + n, 0);
  const nItems = visitor.cart.items.reduce((sum, item) => sum + item.quantity, 0);
  return (
    <dl class="tiles">
      <Tile name="Visits" value={short(visitor.sessions.n)} />
      <Tile name="Events" value={short(nEvents)} note={nNow ? `${short(nNow)} in the latest visit` : ""} />
      <Tile
        name="Cart"
        value={nItems ? money(visitor.cart.value, currency) : "Empty"}
        note={nItems ? items(nItems) : ""}
      />
      <Tile
        name="Orders"
        value={short(visitor.orders.n)}
        note={visitor.orders.n ? `${money(visitor.orders.revenue, currency)} in all` : ""}
      />
    </dl>
  );
}

const items = (n: number) => `${short(n)} ${n === 1 ? "item" : "items"}`;

function Tile({ name, value, note }: { name: string; value: string; note?: string }) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>{value}</dd>
      {note && <dd class="tile-note">{note}</dd>}
    </div>
  );
}

function Cart({ visitor, currency }: { visitor: Visitor; currency: string }) {
  const lines = visitor.cart.items;
  if (!lines.length) return null;
  return (
    <Card title="In the cart" note={money(visitor.cart.value, currency)}>
      <ul class="lines">
        {lines.map((line) => (
          <li key={line.product_id}>
            <span class="break">{line.product_id}</span>
            <span>
              {number(line.quantity)} ×{" "}
              {line.price === null || line.price === undefined ? "–" : money(line.price, currency)}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

const ID_TYPES: Record<string, string> = { user: "Account", anonymous: "Device" };

function Identities({ visitor }: { visitor: Visitor }) {
  return (
    <Card title="Known as" note={String(visitor.identities.length)}>
      <ul class="ids">
        {visitor.identities.map(({ type, id, is_shared }) => (
          <li key={`${type} ${id}`}>
            <span class="id-type">{Object.hasOwn(ID_TYPES, type) ? ID_TYPES[type] : words(type)}</span>
            <code class="break">{id}</code>
            {is_shared && (
              <span class="badge" title="Several people use this device, so it joins nobody.">
                Shared
              </span>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Merges({ known }: { known: Known }) {
  const busy = useSignal<number | null>(null);
  const error = useSignal<unknown>(null);
  const merges = known.merges.value;
  if (!merges.length) return null;
  const undo = async (merge: Merge) => {
    busy.value = merge.merge_id;
    error.value = null;
    try {
      await post(`/api/merges/${encodeURIComponent(merge.merge_id)}/undo`);
      await known.load();
    } catch (problem) {
      error.value = problem;
    } finally {
      busy.value = null;
    }
  };
  return (
    <Card title="Joined from" note={String(merges.length)}>
      <ul class="merges">
        {merges.map((merge) => (
          <li key={merge.merge_id} class={merge.is_undone ? "undone" : ""}>
            <span>
              <code class="break">{merge.loser}</code>
              <span class="sub">
                {merge.is_undone ? "Taken back; joined " : "Joined "}
                {dateTime(merge.time)}
              </span>
            </span>
            {!merge.is_undone && may("undo_merge") && (
              <button
                type="button"
                class="button quiet small"
                disabled={busy.value !== null}
                onClick={() => undo(merge)}
                aria-label={`Undo the merge with ${merge.loser}`}
              >
                {busy.value === merge.merge_id ? "Undoing" : "Undo"}
              </button>
            )}
          </li>
        ))}
      </ul>
      {error.value ? <Problem error={error.value} /> : null}
    </Card>
  );
}

function Traits({ visitor }: { visitor: Visitor }) {
  const traits = Object.entries(visitor.traits);
  if (!traits.length) return null;
  return (
    <Card title="Traits" note={String(traits.length)}>
      <dl class="pairs">
        {traits.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="break">{typeof value === "string" ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Facts({ visitor }: { visitor: Visitor }) {
  const { sessions } = visitor;
  const machine = [visitor.device, visitor.os, visitor.browser].filter((part) => part && part !== "unknown").map(words);
  const facts: [string, string | null | undefined][] = [
    ["Came by", words(visitor.channel)],
    ["Campaign", sessions.campaign],
    ["Keyword", sessions.keyword],
    ["Landed on", sessions.landing && pathOf(sessions.landing)],
    ["Searched for", sessions.query],
    ["Device", machine.join(", ") || "–"],
    ["Place", place(visitor.geo)],
    ["Looked at", visitor.recent_products?.join(", ")],
    ["Interested in", visitor.recent_categories?.join(", ")],
    ["Stage", visitor.stage && words(visitor.stage)],
    ["Segments", visitor.segments.join(", ")],
  ];
  return (
    <Card title="Facts">
      <dl class="pairs">
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd class="break">{value}</dd>
              </div>
            ),
        )}
      </dl>
    </Card>
  );
}

function Sections({ visitor }: { visitor: Visitor }) {
  const sections = (visitor.sections ?? []).filter(({ dwell_s }) => dwell_s > 0);
  if (!sections.length) return null;
  const most = Math.max(...sections.map(({ dwell_s }) => dwell_s));
  return (
    <Card title="Where they spend time">
      <table class="counts">
        <tbody>
          {sections.map(({ section, dwell_s }) => (
            <tr key={section}>
              <th scope="row">{section.split("/").map(words).join(" › ")}</th>
              <Bar share={dwell_s / most} />
              <td class="cell-number">{duration(dwell_s)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Bar({ share }: { share: number }) {
  return (
    <td class="bar-cell" aria-hidden="true">
      <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none">
        <rect width={Math.max(1, share * 100)} height="6" rx="1" />
      </svg>
    </td>
  );
}

function Counts({ visitor }: { visitor: Visitor }) {
  const counts = Object.entries(visitor.counts)
    .filter(([, n]) => n > 0)
    .sort(([, a], [, b]) => b - a);
  if (!counts.length) return null;
  const most = counts[0]![1];
  return (
    <Card title="What they did" note="ever, and in the latest visit">
      <table class="counts">
        <tbody>
          {counts.map(([kind, n]) => (
            <tr key={kind}>
              <th scope="row">{words(kind)}</th>
              <Bar share={n / most} />
              <td class="cell-number">{number(n)}</td>
              <td class="cell-number sub">
                {visitor.session_counts[kind] ? number(visitor.session_counts[kind]) : ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Timeline({ known, currency }: { known: Known; currency: string }) {
  const isWhole = useSignal(false);
  const isLoading = useSignal(false);
  const groups = useComputed(() => bySession(known.items.value));
  const older = async () => {
    const visitor = known.visitor.peek();
    if (!visitor) return;
    isLoading.value = true;
    try {
      const path = `/api/visitors/${encodeURIComponent(visitor.visitor_id)}/timeline`;
      const page = await get<TimelinePage>(path, { limit: TIMELINE_LIMIT, cursor: known.cursor.peek() });
      known.items.value = [...known.items.peek(), ...page.items];
      known.cursor.value = page.cursor ?? null;
    } catch (problem) {
      known.error.value = problem;
    } finally {
      isLoading.value = false;
    }
  };
  return (
    <section class="card timeline">
      <h2>
        Timeline
        <label class="toggle">
          <input
            type="checkbox"
            checked={isWhole.value}
            onChange={(event) => {
              isWhole.value = event.currentTarget.checked;
            }}
          />
          Scrolls and pauses too
        </label>
      </h2>
      {groups.value.length === 0 && <p class="sub">Nothing recorded yet.</p>}
      {groups.value.map((group) => (
        <Session key={group.key} group={group} isWhole={isWhole.value} currency={currency} />
      ))}
      {known.cursor.value && (
        <button type="button" class="button quiet more" disabled={isLoading.value} onClick={older}>
          {isLoading.value ? "Loading" : "Show older"}
        </button>
      )}
    </section>
  );
}

function Session({ group, isWhole, currency }: { group: SessionGroup; isWhole: boolean; currency: string }) {
  const shown = isWhole ? group.items : group.items.filter((item) => !isMinor(item));
  return (
    <section class="session">
      <h3>
        {group.session === null ? "Outside of visits" : `Visit ${number(group.session)}`}
        <small>
          {day(group.started)}, {clock(group.started)} · {short(group.items.length)}{" "}
          {group.items.length === 1 ? "event" : "events"} · {duration(group.dwellS)}
        </small>
      </h3>
      <ol>
        {shown.map((item, index) => (
          <Item key={`${item.time} ${item.kind} ${shown.length - index}`} item={item} currency={currency} />
        ))}
      </ol>
    </section>
  );
}

function Item({ item, currency }: { item: TimelineItem; currency: string }) {
  const what = item.kind === "custom" && item.name ? item.name : words(item.kind);
  const about = item.title || item.product_id;
  return (
    <li class={`item item-${iconOfKind(item.kind)} ${isMinor(item) ? "minor" : ""}`}>
      <span class="item-icon">
        <Icon name={iconOfKind(item.kind)} />
      </span>
      <div>
        <p class="item-what">
          <strong>{what}</strong>
          {about && <span class="break"> {about}</span>}
          {item.price !== null && item.price !== undefined && <span class="price">{money(item.price, currency)}</span>}
        </p>
        {item.url && (
          <p class="sub">
            <PageLink url={item.url} />
          </p>
        )}
      </div>
      <p class="item-when">
        <time dateTime={item.time} title={dateTime(item.time)}>
          {clock(item.time)}
        </time>
        {item.dwell_s ? <span class="dwell">{duration(item.dwell_s)}</span> : null}
      </p>
    </li>
  );
}

/** The catalogue hardly ever changes: asked for once a page load. */
let catalogue: Promise<Feature[]> | null = null;

function Features({ visitor, currency }: { visitor: Visitor; currency: string }) {
  const features = useSignal<Feature[] | null>(null);
  const error = useSignal<unknown>(null);
  const query = useSignal("");
  const isFilled = useSignal(false);
  useEffect(() => {
    catalogue ??= get<FeatureList>("/api/features").then((answer) => answer.features);
    catalogue.then(
      (all) => {
        features.value = all;
      },
      (problem: unknown) => {
        catalogue = null;
        error.value = problem;
      },
    );
  }, []);
  if (error.value) return <Problem error={error.value} />;
  const sought = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = (features.value ?? []).filter((feature) => {
    if (isFilled.value && !visitor.features[feature.name]) return false;
    const text = `${feature.name} ${feature.about} ${feature.group}`.toLowerCase();
    return sought.every((word) => text.includes(word));
  });
  const groups = new Map<string, Feature[]>();
  for (const feature of shown) groups.set(feature.group, [...(groups.get(feature.group) ?? []), feature]);
  return (
    <section class="card features">
      <h2>
        Features <small>{features.value ? `${shown.length} of ${features.value.length}` : ""}</small>
      </h2>
      <div class="filters">
        <label class="search">
          <Icon name="search" />
          <span class="hidden">Search features</span>
          <input
            type="search"
            placeholder="Search by name or meaning"
            onInput={(event) => {
              query.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="toggle">
          <input
            type="checkbox"
            onChange={(event) => {
              isFilled.value = event.currentTarget.checked;
            }}
          />
          Only those that say something
        </label>
      </div>
      {features.value && shown.length === 0 && <p class="sub">No feature is called or means that.</p>}
      {[...groups].map(([group, members]) => (
        <details key={group} open={sought.length > 0 || groups.size <= 2}>
          <summary>
            {words(group)} <small>{members.length}</small>
          </summary>
          <dl class="feature-list">
            {members.map((feature) => (
              <div key={feature.name}>
                <dt>
                  <code>{feature.name}</code>
                </dt>
                <dd class="feature-value" title={String(visitor.features[feature.name] ?? "unknown")}>
                  {featureValue(visitor.features[feature.name], feature.unit, currency)}
                  <span class="unit"> {unitOf(feature.unit)}</span>
                </dd>
                <dd class="sub">
                  {feature.about} <span class="formula">{feature.formula}</span>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      ))}
    </section>
  );
}
