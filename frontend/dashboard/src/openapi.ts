// Made by `npm run types` from openapi.json; changes here get lost.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** Alarm */
        Alarm: {
            message: string;
            since: string;
            what: string;
        };
        /** AuditCheck */
        AuditCheck: {
            broken_at?: number | null;
            is_whole: boolean;
            n_rows: number;
        };
        /** AuditItem */
        AuditItem: {
            action: string;
            actor: string;
            detail: {
                [key: string]: unknown;
            };
            hash: string;
            number: number;
            previous: string;
            site: number;
            time: string;
        };
        /** AuditPage */
        AuditPage: {
            cursor: string | null;
            items: components["schemas"]["AuditItem"][];
        };
        /** Calibration */
        Calibration: {
            ece: number | null;
            n: number;
            observed: number | null;
            predicted: number | null;
        };
        /** Cart */
        Cart: {
            items: components["schemas"]["CartItem"][];
            value: number;
        };
        /** CartItem */
        CartItem: {
            price: number | null;
            product_id: string;
            quantity: number;
        };
        /** Drift */
        Drift: {
            alarms: components["schemas"]["Alarm"][];
            at: string | null;
            calibration: {
                [key: string]: components["schemas"]["Calibration"];
            };
            challenger: components["schemas"]["Duel"] | null;
            psi: components["schemas"]["FeaturePsi"][];
            score_psi: number | null;
            version: number | null;
        };
        /** Duel */
        Duel: {
            /** @enum {string} */
            better: "champion" | "challenger" | "undecided";
            challenger_log_loss: number | null;
            champion_log_loss: number | null;
            n: number;
        };
        /** FailedEvent */
        FailedEvent: {
            advice: string;
            detail: string;
            event: unknown;
            offset: number;
            reason: string;
            received_at: string;
        };
        /** FailedPage */
        FailedPage: {
            by_reason: {
                [key: string]: number;
            };
            cursor: string | null;
            failed: components["schemas"]["FailedEvent"][];
            total: number;
        };
        /** FeatureList */
        FeatureList: {
            features: components["schemas"]["FeatureRow"][];
        };
        /** FeaturePsi */
        FeaturePsi: {
            feature: string;
            psi: number;
        };
        /** FeatureRow */
        FeatureRow: {
            about: string;
            formula: string;
            group: string;
            name: string;
            unit: string;
        };
        /** Geo */
        Geo: {
            city?: string | null;
            country?: string | null;
            region?: string | null;
        };
        /** ImportList */
        ImportList: {
            imports: components["schemas"]["ImportRow"][];
        };
        /** ImportRow */
        ImportRow: {
            content_hash: string;
            file_name: string;
            result: {
                [key: string]: unknown;
            };
            time: string;
        };
        /** JourneyEntry */
        JourneyEntry: {
            due: string | null;
            journey: string;
            since: string;
            state: string;
        };
        /** Key */
        Key: {
            key: string;
        };
        /** KeyRenewal */
        KeyRenewal: {
            /** @enum {string} */
            which: "write" | "server";
        };
        /** LastTraining */
        LastTraining: {
            at: string;
            message: string;
            outcome: string;
        };
        /** Ledger */
        Ledger: {
            applied: number;
            duplicate: number;
            failed: number;
            lag_events: number;
            lag_ms: number;
            received: number;
        };
        /** LinkInfo */
        LinkInfo: {
            email: string;
            name: string;
            password_min_length: number;
        };
        /** LiveCart */
        LiveCart: {
            n_items: number;
            value: number;
        };
        /** LiveMessage */
        LiveMessage: {
            is_cut: boolean;
            ledger: components["schemas"]["Ledger"];
            site: number;
            time: string;
            visitors: components["schemas"]["LiveRow"][];
        };
        /** LiveRow */
        LiveRow: {
            cart: components["schemas"]["LiveCart"];
            channel: string;
            currency: string;
            device: string;
            geo: components["schemas"]["Geo"];
            label: string;
            last_seen: string;
            orders: components["schemas"]["Orders"];
            propensity: components["schemas"]["RowPropensity"];
            section: string | null;
            session: components["schemas"]["LiveSession"];
            /** @enum {string} */
            state: "first_time" | "returning" | "known" | "paying";
            url: string | null;
            visitor_id: string;
        };
        /** LiveSession */
        LiveSession: {
            dwell_s: number;
            ended: boolean;
            n_events: number;
            number: number;
            started: string;
        };
        /** LoggedIn */
        LoggedIn: {
            csrf: string;
            expires: string;
            user: components["schemas"]["UserRow"];
        };
        /** Login */
        Login: {
            email: string;
            password: string;
        };
        /** LoginByLink */
        LoginByLink: {
            email?: string | null;
            password: string;
            token: string;
        };
        /** LoginUrl */
        LoginUrl: {
            login_url: string;
        };
        /** Me */
        Me: {
            /** @default  */
            csrf: string;
            id: number;
            kind: string;
            name: string;
            permissions: string[];
            role: string;
            sites: components["schemas"]["SiteName"][];
        };
        /** MergeList */
        MergeList: {
            merges: components["schemas"]["MergeRow"][];
        };
        /** MergeRow */
        MergeRow: {
            is_undone: boolean;
            keys: string[];
            loser: string;
            merge_id: number;
            time: string;
            winner: string;
        };
        /** ModelDetail */
        ModelDetail: {
            can_serve: boolean;
            card: {
                [key: string]: unknown;
            };
            made: string;
            metrics: {
                [key: string]: components["schemas"]["ModelMetrics"];
            };
            n_orders: number;
            n_rows: number;
            n_sessions: number;
            /** @enum {string} */
            stage: "champion" | "challenger" | "archived";
            targets: string[];
            version: number;
            why_not: string;
            window: components["schemas"]["Window"];
        };
        /** ModelList */
        ModelList: {
            catalogue_id: string;
            challenger: number | null;
            champion: number | null;
            is_training: boolean;
            last_training: components["schemas"]["LastTraining"] | null;
            /** @enum {string} */
            scored_by: "prior" | "model";
            site: number;
            versions: components["schemas"]["ModelRow"][];
        };
        /** ModelMetrics */
        ModelMetrics: {
            brier: number | null;
            ece: number | null;
            log_loss: number | null;
            pr_auc: number | null;
            roc_auc: number | null;
        };
        /** ModelRow */
        ModelRow: {
            can_serve: boolean;
            made: string;
            metrics: {
                [key: string]: components["schemas"]["ModelMetrics"];
            };
            n_orders: number;
            n_rows: number;
            n_sessions: number;
            /** @enum {string} */
            stage: "champion" | "challenger" | "archived";
            targets: string[];
            version: number;
            why_not: string;
            window: components["schemas"]["Window"];
        };
        /** NewSite */
        NewSite: {
            server_key: string;
            site: components["schemas"]["Site"];
        };
        /** NewToken */
        NewToken: {
            secret: string;
            token: components["schemas"]["TokenRow"];
        };
        /** NewUser */
        NewUser: {
            login_url: string;
            user: components["schemas"]["UserRow"];
        };
        /** Orders */
        Orders: {
            n: number;
            revenue: number;
        };
        /** PasswordChange */
        PasswordChange: {
            current: string;
            password: string;
        };
        /** Problem */
        Problem: {
            code: string;
            detail?: unknown;
            message: string;
        };
        /** Propensity */
        Propensity: {
            at: string;
            reasons: components["schemas"]["Reason"][];
            scored_by: components["schemas"]["ScoredBy"];
            session: number | null;
            week: number | null;
            week_reasons: components["schemas"]["Reason"][];
        };
        /** Reason */
        Reason: {
            effect: number;
            feature: string;
            value: number | null;
            words: string;
        };
        /** Replay */
        Replay: {
            /** @default false */
            all: boolean;
            offsets?: number[] | null;
            reason?: string | null;
        };
        /** Replayed */
        Replayed: {
            replayed: number;
        };
        /** RowPropensity */
        RowPropensity: {
            /** @enum {string} */
            scored_by: "prior" | "model";
            session: number | null;
            week: number | null;
        };
        /** ScoredBy */
        ScoredBy: {
            is_calibrated: boolean;
            /** @enum {string} */
            kind: "prior" | "model";
            version: number;
        };
        /** SharedReason */
        SharedReason: {
            effect: number;
            feature: string;
            words: string;
        };
        /** SimilarPage */
        SimilarPage: {
            is_learned: boolean;
            n: number;
            propensity_by_neighbours: number | null;
            radius: number | null;
            similar: components["schemas"]["SimilarVisitor"][];
            version: number;
            visitor_id: string;
        };
        /** SimilarVisitor */
        SimilarVisitor: {
            at: string;
            is_live: boolean;
            label: string;
            ordered: boolean | null;
            propensity: number | null;
            session_number: number;
            shared: components["schemas"]["SharedReason"][];
            similarity: number;
            visitor_id: string;
        };
        /** Site */
        Site: {
            /** @default false */
            is_archived: boolean;
            name: string;
            number: number;
            /** @default [] */
            origins: string[];
            write_key: string;
        };
        /** SiteAdd */
        SiteAdd: {
            name: string;
            origins?: string[];
        };
        /** SiteChange */
        SiteChange: {
            is_archived?: boolean | null;
            name?: string | null;
            origins?: string[] | null;
        };
        /** SiteList */
        SiteList: {
            sites: components["schemas"]["Site"][];
        };
        /** SiteName */
        SiteName: {
            name: string;
            number: number;
        };
        /** Timeline */
        Timeline: {
            cursor: string | null;
            items: components["schemas"]["TimelineItem"][];
        };
        /** TimelineItem */
        TimelineItem: {
            dwell_s: number | null;
            kind: string;
            name: string | null;
            price: number | null;
            product_id: string | null;
            section: string | null;
            session: number | null;
            time: string;
            title: string | null;
            url: string | null;
        };
        /** TokenAdd */
        TokenAdd: {
            name: string;
            role: string;
            sites?: number[] | null;
        };
        /** TokenList */
        TokenList: {
            tokens: components["schemas"]["TokenRow"][];
        };
        /** TokenRow */
        TokenRow: {
            created: string;
            id: number;
            is_revoked: boolean;
            name: string;
            role: string;
            sites: number[] | null;
        };
        /** UserAdd */
        UserAdd: {
            email: string;
            /** @default  */
            name: string;
            role: string;
            sites?: number[] | null;
        };
        /** UserChange */
        UserChange: {
            email?: string | null;
            is_archived?: boolean | null;
            name?: string | null;
            role?: string | null;
            sites?: number[] | null;
        };
        /** UserList */
        UserList: {
            users: components["schemas"]["UserRow"][];
        };
        /** UserRow */
        UserRow: {
            created: string;
            email: string;
            has_password: boolean;
            id: number;
            is_archived: boolean;
            name: string;
            role: string;
            sites: number[] | null;
        };
        /** Visitor */
        Visitor: {
            cart: components["schemas"]["Cart"];
            channel: string;
            counts: {
                [key: string]: number;
            };
            device: string;
            features: {
                [key: string]: number | null;
            };
            first_seen: string;
            geo: components["schemas"]["Geo"];
            identities: unknown[];
            journeys: components["schemas"]["JourneyEntry"][];
            last_seen: string;
            orders: components["schemas"]["Orders"];
            propensity: components["schemas"]["Propensity"];
            segments: string[];
            session_counts: {
                [key: string]: number;
            };
            sessions: unknown;
            stage: string | null;
            traits: {
                [key: string]: unknown;
            };
            visitor_id: string;
        };
        /** VisitorPage */
        VisitorPage: {
            cursor: string | null;
            total: number;
            visitors: components["schemas"]["LiveRow"][];
        };
        /** Window */
        Window: {
            from: string;
            to: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
