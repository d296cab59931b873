"""Opens HTML reports in headless Chromium and uses them as a reader would. Screenshots go beside the pages: look at them.

    python3 browser_test.py FOLDER-WITH-PAGES
"""
import base64
import json
import pathlib
import sys
import unittest

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

FOLDER = pathlib.Path(sys.argv.pop()).resolve()
DESKTOP = (1280, 900)
PHONE = (360, 780)


class Page(unittest.TestCase):
    """A browser for all tests; each opens the page it wants."""

    @classmethod
    def setUpClass(cls):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--lang=de",
                         "--disable-background-networking", "--force-device-scale-factor=1"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(options=options)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()

    def open(self, name, size=DESKTOP, scheme="light"):
        browser = self.browser
        command = browser.execute_cdp_cmd
        command("Emulation.setDeviceMetricsOverride",
                {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500})
        command("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get((FOLDER / f"{name}.html").as_uri())
        self.settle()

    def settle(self):
        """Waits until what was asked for has been drawn."""
        self.browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def run_script(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def screenshot(self, name, whole=True):
        if whole:
            size = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
            shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}})
            (FOLDER / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
        else:
            self.browser.save_screenshot(str(FOLDER / f"{name}.png"))

    def expect_quiet(self):
        """No word in the console, and nothing asked of a network."""
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")], [])
        asked = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"].split(":")[0])
        self.assertLessEqual(set(asked), {"file", "data", "about"}, asked)
        self.assertLessEqual(asked.count("file"), 1)

    def cell(self, row, column):
        """Moves the map's keyboard cursor there."""
        scroll = self.find("#scroll")
        scroll.send_keys(Keys.HOME + Keys.ARROW_UP * 40 + Keys.ARROW_DOWN * row + Keys.ARROW_RIGHT * column)

    def click_row(self, row):
        box = self.run_script("""
            const { left, top } = document.getElementById("cells").getBoundingClientRect();
            return [left, top];""")
        height = self.run_script("return document.getElementById('tall').offsetHeight")
        layers = self.run_script("return JSON.parse(document.getElementById('data').textContent).layers.length")
        y = (row + 0.5) * (height - 26) / layers
        self.run_script("""
            const [x, y] = arguments;
            document.getElementById("cells").dispatchEvent(new MouseEvent("click",
                { clientX: x, clientY: y, bubbles: true }));""", box[0] + 400, box[1] + y)
        self.settle()


class Everywhere(Page):
    PAGES = ("healthy", "faulty", "vanishing", "hostile", "empty", "huge")

    def test_every_page_is_quiet_and_asks_nothing_of_the_network(self):
        for name in self.PAGES:
            for scheme in ("light", "dark"):
                with self.subTest(page=name, scheme=scheme):
                    self.open(name, scheme=scheme)
                    self.screenshot(f"{name}-{scheme}")
                    self.expect_quiet()

    def test_nothing_is_wider_than_a_phone(self):
        for name in self.PAGES:
            with self.subTest(page=name):
                self.open(name, PHONE)
                self.screenshot(f"{name}-phone")
                widest = self.run_script("return document.documentElement.scrollWidth")
                self.assertLessEqual(widest, PHONE[0])
                self.expect_quiet()

    def test_text_can_be_read_in_both_schemes(self):
        for scheme in ("light", "dark"):
            for name in ("faulty", "healthy", "hostile"):
                with self.subTest(page=name, scheme=scheme):
                    self.open(name, scheme=scheme)
                    self.assertNotEqual(self.run_script(CONTRASTS_BELOW, 21), [], "no text was looked at")
                    self.assertEqual(self.run_script(CONTRASTS_BELOW, 4.5), [])

    def test_every_control_and_picture_has_a_name(self):
        self.open("faulty")
        self.click_row(2)
        unnamed = self.run_script("""
            return [...document.querySelectorAll("button, select, input, [role=img], [role=application]")]
                .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
                .map((e) => e.outerHTML);""")
        self.assertEqual(unnamed, [])


# Text whose contrast with what lies behind it is too low (WCAG 2.1), of what is in view.
CONTRASTS_BELOW = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return canvas.getImageData(0, 0, 1, 1).data;
};
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor;
    if (rgba(color)[3] === 255) return color;
  }
  return "white";
};
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
  if (["SCRIPT", "STYLE", "NOSCRIPT", "OPTION", "METER"].includes(element.tagName)) continue;
  const [a, b] = [getComputedStyle(element).color, behind(element)].map(rgba).map(light).sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  if (contrast < arguments[0]) bad.push(`${contrast.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
}
return bad;
"""


class Faulty(Page):
    def setUp(self):
        self.open("faulty")

    def test_the_verdict_comes_first_and_names_step_layer_and_cause(self):
        self.assertRegex(self.find("h1").text, r"^Training broke at step 23 in conv2: ")
        top = self.run_script("return document.querySelector('h1').getBoundingClientRect().top")
        self.assertLess(top, 200)

    def test_the_map_marks_the_layer_at_fault(self):
        self.assertIn("conv2 at step 23", self.find("#origins").text)
        red = self.run_script("""
            const canvas = document.getElementById("cells");
            const row = JSON.parse(document.getElementById("data").textContent).layers.findIndex(([p]) => p === "conv2");
            const height = (document.getElementById("tall").offsetHeight - 26) / 7;
            const [r, g, b] = canvas.getContext("2d").getImageData(2, (row + 0.5) * height, 1, 1).data;
            return r > 2 * g && r > 2 * b;""")
        self.assertTrue(red)
        self.screenshot("faulty-fold", whole=False)

    def test_a_click_opens_the_series_of_a_layer_and_escape_closes_it(self):
        self.assertFalse(self.find("#series").is_displayed())
        self.click_row(2)
        self.assertTrue(self.find("#series-title").text.startswith("conv2"))
        self.assertGreaterEqual(len(self.all("#charts canvas")), 4)
        self.screenshot("faulty-series")
        self.find("body").send_keys(Keys.ESCAPE)
        self.assertFalse(self.find("#series").is_displayed())
        self.expect_quiet()

    def test_the_keyboard_reaches_the_map_and_opens_a_series(self):
        for _ in range(30):
            self.browser.switch_to.active_element.send_keys(Keys.TAB)
            if self.browser.switch_to.active_element.get_attribute("id") == "scroll":
                break
        self.assertEqual(self.browser.switch_to.active_element.get_attribute("id"), "scroll")
        self.cell(2, 5)
        self.assertIn("conv2, step 5:", self.find("#status").text)
        self.browser.switch_to.active_element.send_keys(Keys.ENTER)
        self.assertTrue(self.find("#series-title").text.startswith("conv2"))
        self.find("#close").send_keys(Keys.ENTER)
        self.assertEqual(self.browser.switch_to.active_element.get_attribute("id"), "scroll")
        self.expect_quiet()

    def test_another_quantity_can_be_shown(self):
        select = Select(self.find("#quantity"))
        for option in [option.text for option in select.options]:
            select.select_by_visible_text(option)
            self.settle()
            self.assertNotEqual(self.find("#about").text, "")
        select.select_by_visible_text("Update ratio")
        self.settle()
        self.cell(0, 5)
        self.assertRegex(self.find("#status").text, r"conv1, step 5: 0\.05$")
        self.expect_quiet()

    def test_a_card_leads_to_its_place_in_the_map(self):
        self.find(".card .show").click()
        self.settle()
        self.assertEqual(self.browser.switch_to.active_element.get_attribute("id"), "scroll")
        self.assertIn("conv2, step 23", self.find("#status").text)

    def test_the_colours_follow_the_scheme_while_the_page_is_open(self):
        self.click_row(2)
        before = self.run_script("return document.getElementById('cells').toDataURL()")
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.settle()
        self.assertNotEqual(self.run_script("return document.getElementById('cells').toDataURL()"), before)
        self.expect_quiet()


class WithoutScripts(Page):
    def test_everything_but_map_and_charts_is_there(self):
        disabled = lambda value: self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": value})
        disabled(True)
        self.addCleanup(disabled, False)
        self.browser.get((FOLDER / "faulty.html").as_uri())
        text = self.find("body").text
        for part in ("Training broke at step 23 in conv2", "Fix", "The program", "Cost of watching", "Not checked"):
            self.assertIn(part, text)


class Hostile(Page):
    def test_names_are_text_and_nothing_else(self):
        self.open("hostile")
        self.click_row(0)
        self.assertEqual(self.find("#series-title code").text, "</script><img src=x onerror=alert(1)>")
        self.assertEqual(len(self.all("img, svg, main b, i, u, em, iframe, object")), 0)
        self.assertIn("<b>bold</b>", self.find("body").text)
        self.assertIn("</title><script>alert(3)</script>", self.find(".run").text)
        self.expect_quiet()


class Healthy(Page):
    def test_it_says_so_and_shows_no_incident(self):
        self.open("healthy")
        self.assertEqual(self.find("h1").text, "Nothing wrong was found")
        self.assertEqual(self.all(".card, .origin"), [])
        self.assertIn("gradients of parameters in", self.find("main").text)

    def test_a_run_without_steps_has_no_map(self):
        self.open("empty")
        self.assertEqual(self.find("h1").text, "No training step was seen")
        self.assertFalse(self.find("#map").is_displayed())
        self.assertFalse(self.find("#loss").is_displayed())


class Huge(Page):
    def setUp(self):
        self.open("huge")

    def test_ten_thousand_layers_open_at_the_layer_at_fault(self):
        self.assertIn("model.blocks.666.mlp.6", self.find("#origins").text)
        top, height = self.run_script("const s = document.getElementById('scroll'); return [s.scrollTop, s.clientHeight]")
        self.assertLess(top, 6666.5 * 17)
        self.assertGreater(top + height, 6666.5 * 17)
        self.screenshot("huge-fold", whole=False)

    def test_layers_are_found_by_name(self):
        field = self.find("#find")
        field.send_keys("blocks.123.mlp.4" + Keys.ENTER)
        WebDriverWait(self.browser, 10).until(lambda _: self.find("#series").is_displayed())
        self.assertTrue(self.find("#series-title").text.startswith("model.blocks.123.mlp.4"))
        self.expect_quiet()


if __name__ == "__main__":
    unittest.main(verbosity=2)
