// A form that is drawn anew at every answer: its reader stays where he was, and hears what changed.
// Buttons with `data-here` send the form as an answer does; without this script they send it as any
// button. Questions (`.q`) whose answers are not listed (`data-fold`) ask for them when opened.
(() => {
  const SAID_MAX = 4;
  let before = new Map();
  let then = "";

  const questions = () => [...document.querySelectorAll("[data-drawn] .q")];
  const marker = (question) => question.querySelector("input[name^='u-']");
  const text = (from, what) => from.querySelector(what)?.textContent.trim() ?? "";
  const send = (form) => form?.dispatchEvent(new Event("change", { bubbles: true }));

  function seen(question) {
    return {
      open: question.open,
      asked: marker(question)?.value === "on",
      listed: !question.querySelector("[data-fold]"),
      name: text(question, ".q-name"),
      words: text(question, ".q-words"),
      badge: text(question, "summary > .badge"),
    };
  }

  document.addEventListener("submit", (event) => {
    const by = event.submitter;
    if (!by?.hasAttribute("data-here") || !by.form.hasAttribute("hx-post")) return;
    event.preventDefault();
    const told = document.createElement("input");
    Object.assign(told, { type: "hidden", name: by.name, value: by.value });
    by.form.append(told);
    then = by.dataset.then ?? by.closest(".q")?.id ?? "";
    send(by.form);
    told.remove();
  });

  document.addEventListener("toggle", ({ target }) => {
    if (!target.matches?.("[data-drawn] .q")) return;
    const mark = marker(target);
    if (!target.open) {
      if (mark) mark.value = "";
    } else if (mark && mark.value !== "on" && target.querySelector("[data-fold]")) {
      mark.value = "on";
      send(mark.form);
    }
  }, true);

  // A link to a question opens it, and goes there with the focus.
  document.addEventListener("click", (event) => {
    const question = document.getElementById(event.target.closest?.("a[href^='#q-']")?.hash.slice(1));
    if (!question) return;
    event.preventDefault();
    question.closest(".fold")?.setAttribute("open", "");
    question.open = true;
    question.scrollIntoView();
    question.querySelector("summary").focus({ preventScroll: true });
  });

  // What was typed since an answer was asked for is newer than the answer: it stays.
  const TYPED = "[data-drawn] :is(textarea, input:not([type=radio], [type=checkbox], [type=hidden]))[id]";
  document.addEventListener("htmx:config:request", ({ detail }) => {
    detail.ctx.sent = new Map([...document.querySelectorAll(TYPED)].map((each) => [each.id, each.value]));
  });
  let typed = [];
  const newer = (sent) => [...document.querySelectorAll(TYPED)]
    .filter((each) => sent?.has(each.id) && sent.get(each.id) !== each.value)
    .map(({ id, value, selectionStart, selectionEnd }) => ({ id, value, selectionStart, selectionEnd }));

  function retype() {
    for (const { id, value, selectionStart, selectionEnd } of typed) {
      const place = document.getElementById(id);
      if (!place) continue;
      place.value = value;
      if (place === document.activeElement && selectionStart != null) {
        place.setSelectionRange(selectionStart, selectionEnd);
      }
    }
  }

  // A piece that the form loads by itself, as prices, takes nobody's place or focus.
  const isWhole = (detail) => detail.ctx?.target?.matches?.("[data-drawn]");

  document.addEventListener("htmx:before:swap", ({ detail }) => {
    if (!isWhole(detail)) return;
    typed = newer(detail.ctx?.sent);
    before = new Map(questions().map((each) => [each.id, seen(each)]));
  });

  document.addEventListener("htmx:after:swap", ({ detail }) => {
    if (!isWhole(detail)) return;
    const changed = [];
    for (const each of questions()) {
      const was = before.get(each.id);
      const is = seen(each);
      if (!was) continue;
      if (was.badge !== is.badge || was.words !== is.words) {
        changed.push(`${is.name}: ${is.words || is.badge}.`);
      } else if (was.open ? was.asked : was.listed) {
        each.open = was.open;
      }
    }
    retype();
    say(changed);
    refocus();
  });

  function say(changed) {
    const said = document.getElementById("said");
    if (!said || !changed.length) return;
    const more = changed.length - SAID_MAX;
    const rest = more > 0 ? ` And ${more} more.` : "";
    const stands = document.getElementById("running-words")?.textContent.replace(/\s+/g, " ") ?? "";
    said.textContent = `${changed.slice(0, SAID_MAX).join(" ")}${rest} ${stands}`;
  }

  // What had the focus may be gone: a button that did what it said.
  function refocus() {
    const place = document.getElementById(then);
    then = "";
    if (!place || (document.activeElement && document.activeElement !== document.body)) return;
    (place.querySelector("input:checked") ?? place.querySelector("summary") ?? place).focus();
  }
})();
