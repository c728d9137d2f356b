// What does the API answer? The shapes this dashboard reads, as the server's OpenAPI says them.

import type { components } from "./openapi";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Site = Schemas["Site"];
export type LinkInfo = Schemas["LinkInfo"];
export type LiveMessage = Schemas["LiveMessage"];
export type Ledger = Schemas["Ledger"];
export type VisitorRow = Schemas["LiveRow"];
export type VisitorPage = Schemas["VisitorPage"];
export type State = VisitorRow["state"];
export type Place = Schemas["Geo"];
export type TimelineItem = Schemas["TimelineItem"];
export type TimelinePage = Schemas["Timeline"];
export type Feature = Schemas["FeatureRow"];
export type FeatureList = Schemas["FeatureList"];
export type FailedEvent = Schemas["FailedEvent"];
export type FailedPage = Schemas["FailedPage"];
export type Merge = Schemas["MergeRow"];
export type MergeList = Schemas["MergeList"];
export type Replayed = Schemas["Replayed"];
export type Reason = Schemas["Reason"];
export type Propensity = Schemas["Propensity"];

/** An id that points to a visitor. */
export interface IdentityRow {
  id: string;
  /** `user` or `anonymous`. */
  type: string;
  is_shared?: boolean;
}

/** Some parts of a visitor are left open by the schema: what is known about them stands here. */
export type Visitor = Omit<Schemas["Visitor"], "identities" | "sessions" | "cart"> & {
  identities: IdentityRow[];
  sessions: Sessions;
  cart: Schemas["Cart"] & { currency?: string };
  state?: State;
  os?: string;
  browser?: string;
  recent_products?: string[];
  recent_categories?: string[];
  sections?: { section: string; dwell_s: number; n_events: number }[];
};

/** How often, and what is known about the latest visit. */
export interface Sessions {
  n: number;
  landing?: string | null;
  campaign?: string | null;
  keyword?: string | null;
  query?: string | null;
}

/** A visit like the one asked about. */
export interface SimilarVisitor {
  visitor_id: string;
  label: string;
  similarity: number;
  is_live: boolean;
  session_number: number;
  at: string;
  ordered: boolean | null;
  propensity: number | null;
  shared: { feature: string; words: string; effect: number }[];
}

export interface SimilarPage {
  visitor_id: string;
  version: number;
  is_learned: boolean;
  n: number;
  radius: number | null;
  propensity_by_neighbours: number | null;
  similar: SimilarVisitor[];
}

export interface ModelMetrics {
  roc_auc: number | null;
  pr_auc: number | null;
  log_loss: number | null;
  brier: number | null;
  ece: number | null;
}

export interface ModelRow {
  version: number;
  stage: "champion" | "challenger" | "archived";
  made: string;
  targets: string[];
  n_rows: number;
  n_sessions: number;
  n_orders: number;
  window: { from: string; to: string };
  metrics: Record<string, ModelMetrics>;
  can_serve: boolean;
  why_not: string;
}

export interface ModelDetail extends ModelRow {
  card: Record<string, unknown>;
}

export interface ModelList {
  site: number;
  catalogue_id: string;
  champion: number | null;
  challenger: number | null;
  scored_by: "prior" | "model";
  is_training: boolean;
  last_training: { at: string; outcome: string; message: string } | null;
  versions: ModelRow[];
}

export interface Drift {
  at: string | null;
  version: number | null;
  psi: { feature: string; psi: number }[];
  score_psi: number | null;
  calibration: Record<string, { predicted: number | null; observed: number | null; n: number; ece: number | null }>;
  alarms: { what: string; since: string; message: string }[];
  challenger: {
    n: number;
    champion_log_loss: number | null;
    challenger_log_loss: number | null;
    better: "champion" | "challenger" | "undecided";
  } | null;
}
