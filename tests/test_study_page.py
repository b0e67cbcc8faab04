"""The page of a user study in a real browser, answered by keyboard, touch and mouse."""

import json
import re

import numpy as np
import pytest
from chromium import PROGRAM, Browser

from animegan_tf.imaging.codec import write_image
from animegan_tf.study.answers import read_key, read_visits
from animegan_tf.study.count import count_visits
from animegan_tf.study.make import StudySettings, make_study

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")

READY = "!trial.hidden && !stage.classList.contains('waiting')"
# What the page takes for the time, for the question whether a picture is decoded and
# for whether it is in view, in the hands of the test.
PUPPET = """
let now = 1000, hidden = false;
performance.now = () => now;
window.pass = (ms) => { now += ms; };
Object.defineProperty(document, "hidden", { get: () => hidden });
window.hide = (value) => {
  hidden = value;
  document.dispatchEvent(new Event("visibilitychange"));
};
const decode = HTMLImageElement.prototype.decode;
window.gate = Promise.resolve();
HTMLImageElement.prototype.decode = async function () {
  await window.gate;
  return decode.call(this);
};
"""
# Mean colour of a picture on the stage, and how much its neighbours differ.
LOOK = """(image) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [32, 32];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 32, 32);
  const { data } = context.getImageData(0, 0, 32, 32);
  let [red, blue, rough] = [0, 0, 0];
  for (let i = 0; i < data.length - 4; i += 4) {
    red += data[i];
    blue += data[i + 2];
    rough += Math.abs(data[i + 1] - data[i + 5]);
  }
  return { red: red / 1024, blue: blue / 1024, rough: rough / 1024 };
}"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study whose methods are told apart by colour, and wrong pictures by blur."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    methods = {"reds": (200, 90, 60), "blues": (60, 90, 200)}
    for name, colour in {"photos": (120, 120, 120), **methods}.items():
        (folder / name).mkdir()
        for i in range(5):
            grain = rng.integers(-50, 50, (64, 64, 1))
            picture = np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8)
            write_image(folder / name / f"{i}.png", picture)
    settings = StudySettings(questions=4, catch=2)
    folders = {name: folder / name for name in methods}
    return make_study(folder / "photos", folders, folder / "made", settings)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    browser.call("Page.addScriptToEvaluateOnNewDocument", source=PUPPET)
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium, study):
    """At the first page of the study, as a new visitor finds it."""
    chromium.size(1280, 800)
    chromium.open(study.page)
    chromium.run("localStorage.clear()")
    chromium.reload()
    return chromium


def begin(browser):
    browser.click("#consent")
    browser.click("#start")
    browser.wait(READY)


def place(browser):
    return browser.run("document.getElementById('place').textContent")


def answer(browser, give, seconds=2):
    """Waits for the pictures, lets time pass, and `give()`s an answer to them."""
    browser.wait(READY)
    before = place(browser)
    browser.run(f"pass({1000 * seconds})")
    give()
    browser.wait(f"trial.hidden || place.textContent !== {before!r}")


def look(browser):
    """The side with the red picture, or with the sharp one in a catch trial."""
    seen = browser.run(f"[left, right].map((b) => ({LOOK})(b.children[0]))")
    if abs(seen[0]["rough"] - seen[1]["rough"]) > 5:
        return "left" if seen[0]["rough"] > seen[1]["rough"] else "right"
    return "left" if seen[0]["red"] > seen[1]["red"] else "right"


def stored(browser, study):
    key = read_key(study.key)
    text = browser.run(f"localStorage.getItem('animegan_tf-study-{key['study']}')")
    return text and json.loads(text)


def visit_of(study, *files):
    visits, left_out = read_visits(files, read_key(study.key))
    assert left_out == []
    return visits


def test_a_study_is_answered_by_keyboard_and_counted(browser, study, tmp_path):
    keys = {"left": ("ArrowLeft", "1"), "right": ("ArrowRight", "2")}
    browser.press("Tab")
    assert browser.run("document.activeElement.id") == "consent"
    assert browser.run("start.disabled")
    browser.press(" ")
    browser.press("Tab")
    browser.press("Enter")
    pressed = []
    for number in range(6):
        browser.wait(READY)
        assert place(browser) == f"Question {number + 1} of 6"
        assert browser.run("[bar.value, bar.max]") == [number, 6]
        pressed.append(look(browser))
        key = keys[pressed[-1]][number % 2]
        answer(browser, lambda: browser.press(key), seconds=number + 1)
    assert browser.run("document.activeElement.id") == "end-title"
    path = browser.download(tmp_path, lambda: browser.click("#save"))
    assert re.fullmatch(r"answers-[0-9a-f]{4}-[0-9a-f]{8}\.json", path.name)
    [visit] = visit_of(study, path)
    assert [answer.side for answer in visit.answers] == pressed
    assert [answer.seconds for answer in visit.answers] == [1, 2, 3, 4, 5, 6]
    figures = count_visits(read_key(study.key), [visit])
    [pair] = figures["pairs"]
    assert pair["pair"] == ["reds", "blues"] and visit.caught == 0
    assert (pair["chosen"], pair["answers"], len(visit.catches)) == (4, 4, 2)


def test_a_study_is_answered_by_touch_on_a_phone_and_counted(browser, study, tmp_path):
    browser.size(360, 740, touch=True)
    browser.tap("#consent")
    browser.tap("#start")
    for _ in range(6):
        browser.wait(READY)
        other = {"left": "#right", "right": "#left"}[look(browser)]
        answer(browser, lambda: browser.tap(other))
    path = browser.download(tmp_path, lambda: browser.tap("#save"))
    [visit] = visit_of(study, path)
    # The blues in every pair, and the blurred picture in every catch trial.
    assert visit.caught == len(visit.catches) == 2
    figures = count_visits(read_key(study.key), [visit], max_caught=2)
    assert figures["pairs"][0]["share"] == 0


def test_mouse_and_focused_buttons_choose(browser, study):
    begin(browser)
    answer(browser, lambda: browser.click("#right img"))
    browser.run("document.getElementById('left').focus()")
    answer(browser, lambda: browser.press("Enter"))
    assert stored(browser, study)["choices"] == ["right", "left"]


@pytest.mark.parametrize(
    "width, height", [(360, 740), (320, 568), (740, 360), (820, 1180), (1280, 800)]
)
def test_everything_is_in_view_and_large_enough_to_touch(browser, width, height):
    browser.size(width, height, touch=True)
    begin(browser)
    sizes = "[document.documentElement.scrollWidth, innerWidth]"
    assert len(set(browser.run(sizes))) == 1
    box = (
        "(id) => {const b = document.querySelector(id).getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom]}"
    )
    boxes = {
        name: browser.run(f"({box})('#{name}')")
        for name in ("left", "right", "photo", "back", "stop", "question")
    }
    for left, top, right, bottom in boxes.values():
        assert 0 <= left < right <= width and 0 <= top < bottom <= height + 8
    for name, least in (("left", 130), ("right", 130), ("back", 44), ("stop", 44)):
        left, top, right, bottom = boxes[name]
        assert min(right - left, bottom - top) >= least
    assert boxes["left"][2] <= boxes["right"][0]
    # Both are shown in the same size, and neither is covered.
    for name in ("left", "right"):
        middle = (np.add(boxes[name][:2], boxes[name][2:]) / 2).tolist()
        at = "document.elementFromPoint(...{}).closest('button').id"
        assert browser.run(at.format(middle)) == name
    widths = [boxes[name][2] - boxes[name][0] for name in ("left", "right")]
    assert widths[0] == pytest.approx(widths[1])


def test_no_answer_counts_before_all_pictures_are_in_view(browser, study):
    browser.run("gate = new Promise((open) => { window.openGate = open; }); 0")
    browser.click("#consent")
    browser.click("#start")
    browser.run("pass(5000)")
    for key in ("ArrowLeft", "1", "2", "Backspace"):
        browser.press(key)
    browser.click("#left")
    shown = "getComputedStyle(document.querySelector('#left img')).visibility"
    assert browser.run(shown) == "hidden" and place(browser) == "Question 1 of 6"
    assert stored(browser, study) is None
    browser.run("openGate()")
    browser.wait(READY)
    answer(browser, lambda: browser.press("1"), seconds=1)
    # The time begins when the pictures appear.
    assert stored(browser, study)["times"] == [1000]


def test_a_picture_that_cannot_be_shown_is_said(browser, study):
    browser.run("gate = Promise.reject(new Error('damaged')); gate.catch(() => {}); 0")
    browser.click("#consent")
    browser.click("#start")
    assert browser.wait("!broken.hidden && broken.getAttribute('role')") == "alert"
    browser.press("1")
    assert stored(browser, study) is None


def test_slips_and_held_keys_do_not_count(browser, study):
    begin(browser)
    browser.run("pass(200)")
    browser.press("1")
    assert stored(browser, study) is None
    browser.run("pass(100)")
    browser.press("1", repeat=True)
    browser.run("left.focus()")
    browser.press("Enter", repeat=True)
    assert stored(browser, study) is None
    for combined in ("ctrlKey", "altKey", "metaKey", "shiftKey"):
        event = f"new KeyboardEvent('keydown', {{key: '1', {combined}: true}})"
        browser.run(f"document.dispatchEvent({event})")
    assert stored(browser, study) is None
    answer(browser, lambda: browser.press("1"), seconds=0)
    assert stored(browser, study)["choices"] == ["left"]


def test_a_second_press_does_not_answer_the_next_question(browser, study):
    begin(browser)
    browser.run("pass(1000)")
    for _ in range(4):
        browser.press("ArrowLeft")
    browser.wait("place.textContent === 'Question 2 of 6'")
    browser.wait(READY)
    browser.press("ArrowLeft")
    assert stored(browser, study)["choices"] == ["left"]


def test_backspace_and_back_take_an_answer_back(browser, study):
    begin(browser)
    assert browser.run("back.disabled")
    answer(browser, lambda: browser.press("1"), seconds=3)
    seen = "document.querySelector('#left img').src"
    browser.wait(READY)
    browser.run("pass(4000)")
    browser.press("Backspace")
    browser.wait("place.textContent === 'Question 1 of 6'")
    assert stored(browser, study)["choices"] == []
    browser.wait(READY)
    first = browser.run(seen)
    answer(browser, lambda: browser.press("2"), seconds=1)
    answer(browser, lambda: browser.click("#back"), seconds=0)
    browser.wait(READY)
    assert browser.run(seen) == first
    answer(browser, lambda: browser.press("2"), seconds=1)
    answer(browser, lambda: browser.press("1"), seconds=2)
    visit = stored(browser, study)
    assert visit["choices"] == ["right", "left"]
    # Every view of a question counts: 3 + 1 + 1 and 4 + 0 + 2 seconds.
    assert visit["times"] == [5000, 6000]


def test_time_in_another_tab_does_not_count(browser, study):
    begin(browser)
    browser.run("pass(2000), hide(true), pass(60000), hide(false)")
    answer(browser, lambda: browser.press("1"), seconds=1)
    assert stored(browser, study)["times"] == [3000]


def test_a_visit_goes_on_after_a_reload(browser, study, tmp_path):
    begin(browser)
    answer(browser, lambda: browser.press("1"))
    answer(browser, lambda: browser.press("2"))
    browser.wait(READY)
    seen = "[photo, left.children[0], right.children[0]].map((image) => image.src)"
    before, pictures = stored(browser, study), browser.run(seen)
    browser.reload()
    text = "2 of 6 questions were answered in this browser."
    assert browser.run("document.getElementById('known-text').textContent") == text
    assert browser.run("fresh.hidden")
    browser.click("#resume")
    browser.wait(READY)
    assert place(browser) == "Question 3 of 6" and browser.run(seen) == pictures
    for _ in range(4):
        answer(browser, lambda: browser.press("1"))
    browser.reload()
    browser.click("#resume")
    path = browser.download(tmp_path, lambda: browser.click("#save"))
    [visit] = visit_of(study, path)
    assert visit.visitor == before["visitor"] and len(visit.answers) == 6
    assert [answer.side for answer in visit.answers[:2]] == ["left", "right"]


def test_stopping_early_saves_what_there_is_and_one_may_go_on(browser, study, tmp_path):
    begin(browser)
    answer(browser, lambda: browser.press("1"))
    browser.wait(READY)
    browser.click("#stop")
    ends = "document.getElementById('end-text').textContent"
    assert browser.run(ends) == "You have answered 1 of 6 questions."
    early = browser.download(tmp_path, lambda: browser.click("#save"))
    assert len(visit_of(study, early)[0].answers) == 1
    browser.click("#continue")
    for _ in range(5):
        answer(browser, lambda: browser.press("2"))
    assert browser.run("document.getElementById('continue').textContent") == (
        "Change the last answer"
    )
    browser.click("#continue")
    answer(browser, lambda: browser.press("1"))
    copied = browser.run("text.value")
    path = tmp_path / "copied.txt"
    path.write_text(copied)
    [visit] = visit_of(study, path)
    sides = [answer.side for answer in visit.answers]
    assert sides == ["left", *["right"] * 4, "left"]
    assert visit.visitor == json.loads(early.read_text())["visitor"]
    file = browser.download(tmp_path, lambda: browser.click("#save"))
    assert file.read_text() == copied
    assert browser.run("document.getElementById('continue').hidden")
    assert "downloads" in browser.run("document.getElementById('status').textContent")


def test_the_text_of_the_answers_is_copied(browser, study):
    begin(browser)
    answer(browser, lambda: browser.press("1"))
    browser.wait(READY)
    browser.click("#stop")
    browser.click("summary")
    browser.click("#copy")
    status = "document.getElementById('status').textContent"
    assert browser.wait(status) == "Copied."
    marked = "[text.selectionStart, text.selectionEnd, text.value.length]"
    start, end, length = browser.run(marked)
    assert (start, end) == (0, length) and length > 100


def test_stopping_before_the_first_answer_leaves_nothing(browser, study):
    begin(browser)
    browser.click("#stop")
    assert browser.run("!intro.hidden && !fresh.hidden && start.disabled")
    assert stored(browser, study) is None


CHANCE = """let state = 1;
crypto.getRandomValues = (array) => array.map((_, i) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return array[i] = state;
});
window.confirm = () => true;
0"""


def test_each_visit_is_drawn_anew(browser, study):
    browser.run(CHANCE)
    visits = []
    for _ in range(5):
        begin(browser)
        answer(browser, lambda: browser.press("1"))
        visits.append(stored(browser, study))
        browser.wait(READY)
        browser.click("#stop")
        browser.click("#next")
        assert stored(browser, study) is None
    assert len({visit["visitor"] for visit in visits}) == 5
    assert len({visit["sheet"] for visit in visits}) >= 4
    assert {visit["mirrored"] for visit in visits} == {True, False}
    assert len({tuple(visit["order"]) for visit in visits}) >= 4
    for visit in visits:
        assert sorted(visit["order"]) == list(range(6))


def test_answers_that_are_not_saved_are_not_deleted_unasked(browser, study):
    begin(browser)
    answer(browser, lambda: browser.press("1"))
    browser.reload()
    browser.run("window.asked = []; window.confirm = (text) => !asked.push(text)")
    browser.click("#anew")
    assert browser.run("asked.length") == 1 and stored(browser, study)["choices"]


def test_without_storage_the_page_warns_and_still_works(browser, study, tmp_path):
    forbid = "Object.defineProperty(window, 'localStorage', {get() {throw Error()}})"
    added = browser.call("Page.addScriptToEvaluateOnNewDocument", source=forbid)
    try:
        browser.reload()
        assert not browser.run("forgetful.hidden")
        begin(browser)
        for _ in range(6):
            answer(browser, lambda: browser.press("2"))
        leave = "!window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
        assert browser.run(leave)
        path = browser.download(tmp_path, lambda: browser.click("#save"))
        assert len(visit_of(study, path)[0].answers) == 6
        assert not browser.run(leave)
    finally:
        browser.call(
            "Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"]
        )


def test_the_page_asks_no_network_and_may_not(browser, study):
    begin(browser)
    answer(browser, lambda: browser.press("1"))
    assert {url.split(":")[0] for url in browser.requests()} <= {"file", "blob"}
    assert {url for url in browser.requests() if url.startswith("file")} == {
        study.page.as_uri()
    }
    blocked = """new Promise((done) => {
      document.addEventListener("securitypolicyviolation", (event) => {
        done(event.effectiveDirective);
      }, {once: true});
      %s
    })"""
    for attempt, rule in (
        ("new Image().src = 'http://127.0.0.1:9/a.png';", "img-src"),
        ("fetch('http://127.0.0.1:9/').catch(() => {});", "connect-src"),
        (
            "document.body.append(Object.assign(document.createElement('script'), "
            "{textContent: 'window.ran = true'}));",
            "script-src-elem",
        ),
    ):
        assert browser.run(blocked % attempt) == rule
    assert browser.run("window.ran") is None


def test_no_script_fails(chromium):
    """Runs after the others of this file, in whose pages it looks for errors."""
    failed = [e for e in chromium.events if e["method"] == "Runtime.exceptionThrown"]
    assert failed == []


# Accessible.


def test_names_roles_and_order_of_focus(browser):
    begin(browser)
    browser.run("document.getElementById('question').focus()")
    order = []
    for _ in range(3):
        browser.press("Tab")
        order.append(browser.run("document.activeElement.id"))
    assert order == ["left", "right", "stop"]  # back is disabled
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = {
        (node["role"]["value"], node["name"]["value"].strip())
        for node in tree
        if not node["ignored"] and "name" in node and node["name"].get("value")
    }
    assert ("image", "Photo of a person") in named
    assert ("button", "Picture on the left Left") in named
    assert ("button", "Picture on the right Right") in named
    assert {name for role, name in named if role == "button"} >= {"Back", "Stop here"}
    assert ("progressbar", "Question 1 of 6") in named
    heading = "Which is the better anime picture that still looks like the person?"
    assert ("heading", heading) in named and ("region", heading) in named


def luminance(colour):
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )
    return linear @ (0.2126, 0.7152, 0.0722)


def test_contrast_is_that_of_wcag(study):
    """4.5 for text, 3 for what is drawn: WCAG 2.2, 1.4.3 and 1.4.11."""
    css = study.page.read_text("utf-8")
    colours = dict(re.findall(r"--(\w+): (#\w+);", css)) | {"white": "#ffffff"}
    colours["card"] = "#ffffff"

    def ratio(a, b):
        high, low = sorted((luminance(colours[a]), luminance(colours[b])))[::-1]
        return (high + 0.05) / (low + 0.05)

    for text in ("text", "muted"):
        for ground in ("ground", "card", "line"):
            assert ratio(text, ground) >= 4.5
    assert ratio("white", "accent") >= 4.5
    for drawn in ("accent", "focus"):
        assert ratio(drawn, "ground") >= 3


def test_nothing_moves_for_who_asked_for_that(browser):
    begin(browser)
    moves = "getComputedStyle(left).transitionDuration"
    assert browser.run(moves) != "0s"
    try:
        feature = {"name": "prefers-reduced-motion", "value": "reduce"}
        browser.call("Emulation.setEmulatedMedia", features=[feature])
        assert browser.run(moves) == "0s"
    finally:
        browser.call("Emulation.setEmulatedMedia", features=[])
