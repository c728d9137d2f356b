// usage: node segment_node.mjs URL KEY
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, flushInterval: 50 });
analytics.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
analytics.identify({ userId: "u1", anonymousId: "a1", traits: { plan: "gold" } });
analytics.track({ userId: "u1", anonymousId: "a1", event: "Product Viewed", properties: { product_id: "s1" } });
analytics.page({ userId: "u1", name: "Home" });
analytics.screen({ userId: "u1", name: "Cart" });
analytics.group({ userId: "u1", groupId: "g1" });
analytics.alias({ userId: "u1", previousId: "a1" });
await analytics.closeAndFlush({ timeout: 10_000 });
