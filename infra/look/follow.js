// A page that changes while one works on it keeps what its reader has opened, shows of a form
// exactly what the server has drawn, and says nothing of answers that it no longer waits for.
(() => {
  let open = [];
  let leaving = false;
  // What was chosen since an answer was asked for is newer than the answer: it stays.
  let changes = 0;
  document.addEventListener("change", () => { changes += 1; }, true);
  document.addEventListener("htmx:config:request", ({ detail }) => { detail.ctx.changes = changes; });
  document.addEventListener("htmx:before:swap", () => {
    open = [...document.querySelectorAll("details[open][id]")].map((each) => each.id);
  });
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    for (const id of open) {
      document.getElementById(id)?.setAttribute("open", "");
    }
    if (detail.ctx?.changes !== changes) {
      return;
    }
    for (const each of document.querySelectorAll("[data-drawn] input:is([type=radio], [type=checkbox])")) {
      each.checked = each.defaultChecked;
    }
  });
  addEventListener("beforeunload", () => { leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  document.addEventListener("htmx:before:request", ({ detail }) => {
    const ask = detail?.ctx?.fetch;
    if (ask) {
      detail.ctx.fetch = async (...what) => {
        try {
          return await ask(...what);
        } catch (fault) {
          if (leaving) {
            return new Promise(() => {});
          }
          throw fault;
        }
      };
    }
  });
})();
