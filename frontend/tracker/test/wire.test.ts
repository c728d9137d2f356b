import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { clearBrowser, load, setUrl, Wire } from "./page";

let wire: Wire;
const answered = () => vi.fn<(status: number, pauseMs: number) => void>();

beforeEach(() => {
  setUrl("https://www.shop.example/cart?host=https://evil.example");
  clearBrowser();
  wire = new Wire();
  wire.install();
});
afterEach(() => vi.unstubAllGlobals());

test("an address that can't be reached is passed over by the next request", async () => {
  wire.answers = [new TypeError("blocked")];
  const { nOthers, openWire, post } = (await load()).wire;
  openWire(["https://blocked.example/", "https://data.shop.example/x/"]);
  expect(nOthers()).toBe(1);
  const done = answered();
  post('{"batch":[]}', false, done);
  await vi.waitFor(() => expect(done).toHaveBeenCalledWith(0, 0));
  post('{"batch":[]}', false, done);
  await vi.waitFor(() => expect(done).toHaveBeenCalledWith(200, 0));
  post('{"batch":[]}', false, done);
  expect(wire.sent.map(({ url }) => url)).toEqual([
    "https://blocked.example/v1/batch",
    "https://data.shop.example/x/v1/batch",
    "https://data.shop.example/x/v1/batch",
  ]);
});

test("a path stands for the shop's own address", async () => {
  const { openWire, isWithin, beacon } = (await load()).wire;
  openWire(["/ff"]);
  beacon('{"batch":[]}');
  expect(wire.beacons[0]?.url).toBe("https://www.shop.example/ff/v1/batch");
  expect([isWithin("shop.example"), isWithin(""), isWithin("hop.example")]).toEqual([true, true, false]);
});

test("a fetch that isn't the browser's own is not used", async () => {
  const recording = vi.fn();
  vi.stubGlobal("fetch", recording);
  const opened: string[] = [];
  class Request {
    status = 200;
    onloadend = () => {};
    open(method: string, url: string) {
      opened.push(`${method} ${url}`);
    }
    send() {
      this.onloadend();
    }
    getResponseHeader = () => "3";
  }
  vi.stubGlobal("XMLHttpRequest", Request);
  const { openWire, post } = (await load()).wire;
  openWire(["https://footfall.example"]);
  const done = answered();
  post("{}", false, done);
  expect(done).toHaveBeenCalledWith(200, 3_000);
  expect(opened).toEqual(["POST https://footfall.example/v1/batch"]);
  expect(recording).not.toHaveBeenCalled();
});
