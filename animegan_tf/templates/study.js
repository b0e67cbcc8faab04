"use strict";

(() => {
  const FORMAT = "animegan_tf study answers 1";
  // A press this soon after the pictures appeared is the rest of the last one.
  const SLIP_MS = 250;
  const CHOSEN_SHOWN_MS = 180;

  const $ = (id) => document.getElementById(id);
  const study = JSON.parse($("data").textContent);
  const KEY = `animegan_tf-study-${study.id}`;

  let visit = null;
  let keeps = true; // whether the browser stores answers
  let ready = false; // whether the pictures of a question are all in view
  let shown = 0; // counts what was put on the stage, to tell late pictures apart
  let appeared = 0; // when the pictures came into view
  let watched = null; // since when, without a pause; null while the page is hidden

  // Chance. Math.random is not meant for drawing samples.

  function below(number) {
    const box = new Uint32Array(1);
    const limit = 2 ** 32 - (2 ** 32 % number);
    do {
      crypto.getRandomValues(box);
    } while (box[0] >= limit);
    return box[0] % number;
  }

  function shuffled(length) {
    const order = [...Array(length).keys()];
    for (let i = length - 1; i > 0; i--) {
      const j = below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  function newVisit() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const sheet = below(study.sheets.length);
    return {
      visitor: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      sheet,
      mirrored: below(2) === 1,
      order: shuffled(study.sheets[sheet].length),
      choices: [],
      times: [],
      saved: false,
    };
  }

  // What survives a reload. Some browsers forbid it to pages from files.

  function store() {
    try {
      if (visit === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, JSON.stringify(visit));
    } catch {
      keeps = false;
    }
    $("forgetful").hidden = keeps;
  }

  function stored() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      const length = study.sheets[found.sheet].length;
      return found.order.length === length && found.choices.length ? found : null;
    } catch {
      return null;
    }
  }

  // The questions of this visitor.

  const total = () => visit.order.length;
  const complete = () => visit.choices.length === total();

  /* The question at a place, and which of its pictures is on the left. */
  function questionAt(place) {
    const [question, left] = study.sheets[visit.sheet][visit.order[place]];
    return { question, left: visit.mirrored ? 1 - left : left };
  }

  function answers() {
    const list = visit.choices.map((choice, place) => ({
      ...questionAt(place),
      choice,
      ms: Math.round(visit.times[place]),
    }));
    const { visitor, sheet, mirrored } = visit;
    const head = { format: FORMAT, study: study.id, visitor, sheet, mirrored };
    return JSON.stringify({ ...head, answers: list }, null, 1) + "\n";
  }

  // The time that a question's pictures are in view, all its views together.

  function watch() {
    watched = document.hidden ? null : performance.now();
  }

  function unwatch() {
    const place = visit.choices.length;
    if (watched !== null) {
      visit.times[place] = (visit.times[place] ?? 0) + performance.now() - watched;
    }
    watched = null;
  }

  // Screens.

  const HEADINGS = { intro: "intro-title", trial: "question", end: "end-title" };

  function show(id) {
    if (!$(id).hidden) return;
    for (const section of Object.keys(HEADINGS)) {
      $(section).hidden = section !== id;
    }
    window.scrollTo(0, 0);
    $(HEADINGS[id]).focus();
  }

  function showIntro() {
    show("intro");
    $("fresh").hidden = visit !== null;
    $("known").hidden = visit === null;
    if (visit !== null) {
      $("known-text").textContent = complete()
        ? "All questions were answered in this browser."
        : `${visit.choices.length} of ${total()} questions were answered in this browser.`;
    }
  }

  async function showQuestion() {
    const turn = ++shown;
    const place = visit.choices.length;
    ready = false;
    show("trial");
    $("stage").classList.add("waiting");
    $("left").classList.remove("chosen");
    $("right").classList.remove("chosen");
    $("bar").max = total();
    $("bar").value = place;
    $("place").textContent = `Question ${place + 1} of ${total()}`;
    $("back").disabled = place === 0;
    const { question, left } = questionAt(place);
    const [photo, ...options] = study.questions[question];
    const images = [$("photo"), $("left").children[0], $("right").children[0]];
    [photo, options[left], options[1 - left]].forEach((picture, i) => {
      images[i].src = study.pictures[picture];
    });
    try {
      await Promise.all(images.map((image) => image.decode()));
    } catch {
      $("broken").hidden = turn !== shown;
      return;
    }
    // Runs once the page is painted, so not while it is hidden.
    requestAnimationFrame(() => {
      if (turn !== shown) return;
      $("stage").classList.remove("waiting");
      $("broken").hidden = true;
      ready = true;
      appeared = performance.now();
      watch();
    });
  }

  function showEnd() {
    shown++;
    ready = false;
    show("end");
    const text = answers();
    URL.revokeObjectURL($("save").href);
    $("save").href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    $("save").download = `answers-${study.id.slice(0, 4)}-${visit.visitor.slice(0, 8)}.json`;
    $("text").value = text;
    $("status").textContent = "";
    $("continue").textContent = complete() ? "Change the last answer" : "Go on answering";
    $("continue").hidden = complete() && visit.saved;
    $("end-text").textContent = complete()
      ? `You have answered all ${total()} questions.`
      : `You have answered ${visit.choices.length} of ${total()} questions.`;
  }

  // Deeds.

  function begin() {
    visit = newVisit();
    showQuestion();
  }

  function proceed() {
    if (complete()) showEnd();
    else showQuestion();
  }

  function choose(side) {
    if (!ready || performance.now() - appeared < SLIP_MS) return;
    ready = false;
    unwatch();
    visit.choices.push(side);
    visit.saved = false;
    store();
    $(side).classList.add("chosen");
    setTimeout(proceed, CHOSEN_SHOWN_MS);
  }

  function goBack() {
    if (!ready || visit.choices.length === 0) return;
    unwatch();
    visit.choices.pop();
    store();
    showQuestion();
  }

  function goOn() {
    if (complete()) {
      visit.choices.pop();
      store();
    }
    showQuestion();
  }

  function stop() {
    if (!ready) return;
    ready = false;
    unwatch();
    store();
    if (visit.choices.length) showEnd();
    else leave();
  }

  function leave() {
    visit = null;
    store();
    $("consent").checked = false;
    $("start").disabled = true;
    showIntro();
  }

  function startAnew() {
    const lost = "The answers were not saved as a file. Delete them?";
    if (!visit.saved && !window.confirm(lost)) return;
    leave();
  }

  async function copy() {
    $("text").select();
    let copied = true;
    try {
      await navigator.clipboard.writeText($("text").value);
    } catch {
      copied = document.execCommand("copy");
    }
    $("status").textContent = copied ? "Copied." : "Please copy the marked text.";
  }

  const KEYS = {
    ArrowLeft: () => choose("left"),
    1: () => choose("left"),
    ArrowRight: () => choose("right"),
    2: () => choose("right"),
    Backspace: goBack,
  };

  document.addEventListener("keydown", (event) => {
    const deed = KEYS[event.key];
    const combined = event.ctrlKey || event.altKey || event.metaKey || event.shiftKey;
    if ($("trial").hidden) return;
    // A held key, Enter on a focused picture too, would answer one after another.
    if (event.repeat && event.key !== "Tab") event.preventDefault();
    else if (deed && !combined) {
      event.preventDefault();
      deed();
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!ready) return;
    if (document.hidden) unwatch();
    else watch();
  });
  window.addEventListener("beforeunload", (event) => {
    if (!keeps && visit && visit.choices.length && !visit.saved) event.preventDefault();
  });
  $("consent").addEventListener("change", () => {
    $("start").disabled = !$("consent").checked;
  });
  $("start").addEventListener("click", begin);
  $("resume").addEventListener("click", proceed);
  $("anew").addEventListener("click", startAnew);
  $("left").addEventListener("click", () => choose("left"));
  $("right").addEventListener("click", () => choose("right"));
  $("back").addEventListener("click", goBack);
  $("stop").addEventListener("click", stop);
  $("continue").addEventListener("click", goOn);
  $("copy").addEventListener("click", copy);
  $("next").addEventListener("click", startAnew);
  $("save").addEventListener("click", () => {
    visit.saved = true;
    store();
    $("continue").hidden = complete();
    $("status").textContent = "The file is on its way to your downloads.";
  });

  document.documentElement.style.setProperty("--ratio", study.ratio);
  visit = stored();
  store();
  showIntro();
})();
