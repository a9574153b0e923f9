// A page that changes while one works on it keeps what its reader has opened, shows of a form
// exactly what the server has drawn, and says nothing of answers that it no longer waits for.
(() => {
  const AGAIN_MS = 500;
  const AGAIN_MAX_MS = 30_000;
  let open = [];
  let leaving = false;
  // What was chosen since an answer was asked for is newer than the answer: it stays.
  let changes = 0;
  document.addEventListener("change", () => { changes += 1; }, true);
  document.addEventListener("htmx:config:request", ({ detail }) => { detail.ctx.changes = changes; });
  document.addEventListener("htmx:before:swap", () => {
    open = [...document.querySelectorAll("details[open][id]:not(.q)")].map((each) => each.id);
  });
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    for (const id of open) {
      document.getElementById(id)?.setAttribute("open", "");
    }
    // A piece that a drawn form loads by itself says nothing of the answers in it.
    if (detail.ctx?.changes !== changes || !detail.ctx.target?.matches?.("[data-drawn]")) {
      return;
    }
    for (const each of document.querySelectorAll("[data-drawn] input:is([type=radio], [type=checkbox])")) {
      each.checked = each.defaultChecked;
    }
  });
  addEventListener("beforeunload", () => { leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  const NEVER = new Promise(() => {});
  const pause = (ms) => new Promise((on) => { setTimeout(on, ms); });
  // A stream that does not begin leaves the page as it is, and is asked for again if the house was away.
  async function begun(ask, what, isStream) {
    for (let wait = AGAIN_MS; ; wait = Math.min(2 * wait, AGAIN_MAX_MS)) {
      try {
        const answer = await ask(...what);
        if (!isStream || answer.ok) return answer;
        if (answer.status < 500) return NEVER;
      } catch (fault) {
        if (leaving) return NEVER;
        if (!isStream || what[1]?.signal?.aborted) throw fault;
      }
      await pause(wait);
    }
  }
  document.addEventListener("htmx:before:request", ({ detail }) => {
    const ask = detail?.ctx?.fetch;
    if (ask) {
      const isStream = detail.ctx.sourceElement?.hasAttribute("hx-sse:connect");
      detail.ctx.fetch = (...what) => begun(ask, what, isStream);
    }
  });
})();
