"""Uploads a picture as a person does: headless Chromium, a page of another origin, the real local server.

    walk.py READY_JSON SCREENSHOT PAGE_PORT

The page asks the API for an upload, puts the bytes straight to the S3 by CORS, completes, and shows the file through
the CDN, which is the local server's stand-in for CloudFront. What the page cannot see (X-Cache, who was asked for
what) is read from the browser's network.
"""

import json
import struct
import sys
import threading
import zlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 640, 360


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def picture():
    """A PNG that browsers can show: a sunset."""

    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    def pixel(x, y):
        if (x - 320) ** 2 + (y - 190) ** 2 < 70**2:
            return bytes((255, 214, 102))
        return bytes((255 - y // 3, 120 + y // 6, 150)) if y < 240 else bytes((30, 60 + y // 6, 110))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def main():
    ready, screenshot, port = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), int(sys.argv[3])
    handler = partial(Quiet, directory=str(Path(__file__).parent))
    pages = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    answers, wrong = [], []
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 900})
        page.on("response", lambda answer: answers.append(answer))
        page.on("pageerror", lambda error: wrong.append(f"a script failed: {error}"))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(f"http://127.0.0.1:{port}/upload.html?api={ready['api']}")
        page.set_input_files("input", {"name": "노을.png", "mimeType": "image/png", "buffer": picture()})
        page.wait_for_selector("body[data-done]", timeout=20_000)
        steps = page.locator("#steps li").all_inner_texts()
        print("\n".join(f"  {step}" for step in steps))
        assert page.get_attribute("body", "data-done") == "yes", steps
        url = page.get_attribute("body", "data-url")
        # A second reader, who has nothing in the browser's own cache.
        again = browser.new_context().request.get(url)
        size = page.evaluate("[document.images[0].naturalWidth, document.images[0].naturalHeight]")
        readable = page.evaluate(
            """() => {
                const canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [640, 360];
                const pen = canvas.getContext("2d");
                pen.drawImage(document.images[0], 0, 0);
                return [...pen.getImageData(320, 190, 1, 1).data].slice(0, 3);
            }"""
        )
        screenshot.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(screenshot), full_page=True)
        browser.close()

    first = next(answer for answer in answers if answer.url == url)
    origins = {answer.url.split("/")[2] for answer in answers}
    assert not wrong, wrong
    assert size == [WIDTH, HEIGHT], size
    assert readable == [255, 214, 102], f"the page may not read what it shows: {readable}"
    assert len(origins) == 4, f"page, API, S3 and CDN are of one origin: {origins}"
    assert first.headers["x-cache"] == "Miss from cloudfront", first.headers
    assert again.status == 200 and again.headers["x-cache"] == "Hit from cloudfront", again.headers
    assert again.headers["x-content-type-options"] == "nosniff", again.headers
    assert again.headers["content-disposition"].startswith("attachment"), again.headers
    print(f"a picture went up from {origins - {url.split('/')[2]}} and came back through the CDN; see {screenshot}")


main()
