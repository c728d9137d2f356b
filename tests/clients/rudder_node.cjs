// usage: node rudder_node.cjs URL KEY
const module_ = require("@rudderstack/rudder-sdk-node");
const Analytics = module_.default ?? module_;

const [dataPlaneUrl, writeKey] = process.argv.slice(2);
const analytics = new Analytics(writeKey, { dataPlaneUrl, flushInterval: 50, errorHandler: fail });
function fail(error) {
  console.error(error);
  process.exitCode = 1;
}
analytics.identify({ userId: "u1", anonymousId: "a1", traits: { plan: "gold" } });
analytics.track({ userId: "u1", anonymousId: "a1", event: "Product Viewed", properties: { product_id: "s1" } });
analytics.page({ userId: "u1", name: "Home" });
analytics.screen({ userId: "u1", name: "Cart" });
analytics.group({ userId: "u1", groupId: "g1" });
analytics.alias({ userId: "u1", previousId: "a1" });
analytics.flush().then(() => {}, fail);
