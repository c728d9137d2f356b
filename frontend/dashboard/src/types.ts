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
export type ModelList = Schemas["ModelList"];
export type ModelRow = Schemas["ModelRow"];
export type ModelDetail = Schemas["ModelDetail"];
export type ModelMetrics = Schemas["ModelMetrics"];
export type Drift = Schemas["Drift"];
export type SimilarPage = Schemas["SimilarPage"];
export type SimilarVisitor = Schemas["SimilarVisitor"];

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
