// usage: node snowplow_node.mjs URL KEY METHOD
import { buildPageView, buildSelfDescribingEvent, buildStructEvent, newTracker } from "@snowplow/node-tracker";

const [url, appId, eventMethod] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const tracker = newTracker(
  { namespace: "shop", appId, encodeBase64: eventMethod === "get" },
  {
    endpoint: hostname,
    protocol: "http",
    port: Number(port),
    eventMethod,
    bufferSize: 1,
    onRequestFailure: ({ status, message }) => {
      console.error(status, message);
      process.exitCode = 1;
    },
  },
);
tracker.setUserId("u1");
tracker.setDomainUserId("d1");
tracker.track(buildPageView({ pageUrl: "https://shop.example/women/shoes", pageTitle: "Schuhe für Größe 41" }));
tracker.track(buildStructEvent({ category: "shop", action: "add-to-basket", label: "s1", value: 9.5 }));
tracker.track(
  buildSelfDescribingEvent({ event: { schema: "iglu:com.shop/cart_viewed/jsonschema/1-0-0", data: { items: 2 } } }),
);
tracker.flush();
