#!/usr/bin/env python3
"""Checks of the ESP32 project that need no ESP-IDF.  check.py NAME [ROOT]   NAME: one of the functions below, or all."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTABLE = ["core", "ocpp", "store", "net", "station", "update", "log", "panel"]
# What a portable file may include besides the project's own headers: C11 everywhere, the rest where it says.
C11 = """assert ctype errno float inttypes limits math stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib
string time""".split()
ALSO = {
    "ocpp": {"cjson/cJSON.h"},
    "net": {"libwebsockets.h", "strings.h", "pthread.h", "sys/socket.h", "netdb.h", "unistd.h"},
    "station": {"cjson/cJSON.h", "pthread.h"},
    "update": {"libwebsockets.h"},
    "panel": {"qrcodegen.h"},
}
# Which component of ESP-IDF (v5.5 and v6.0 alike) owns a header that main/ includes. What is always there without
# being asked for (esp_common, the C library) is "".
OWNER = {
    "bootloader_random.h": "bootloader_support", "driver/gpio.h": "esp_driver_gpio", "driver/ledc.h": "esp_driver_ledc",
    "driver/spi_master.h": "esp_driver_spi",
    "esp_adc/adc_cali.h": "esp_adc", "esp_adc/adc_cali_scheme.h": "esp_adc", "esp_adc/adc_continuous.h": "esp_adc",
    "esp_app_desc.h": "esp_app_format", "esp_attr.h": "", "esp_check.h": "", "esp_console.h": "console",
    "esp_crt_bundle.h": "mbedtls", "esp_dpp.h": "wpa_supplicant", "esp_err.h": "", "esp_eth.h": "esp_eth", "esp_event.h": "esp_event",
    "esp_heap_caps.h": "heap", "esp_idf_version.h": "", "esp_lcd_io_spi.h": "esp_lcd",
    "esp_lcd_panel_dev.h": "esp_lcd", "esp_lcd_panel_io.h": "esp_lcd", "esp_lcd_panel_ops.h": "esp_lcd",
    "esp_lcd_panel_st7789.h": "esp_lcd", "esp_log.h": "log", "esp_mac.h": "esp_hw_support",
    "esp_netif.h": "esp_netif", "esp_netif_sntp.h": "esp_netif", "esp_ota_ops.h": "app_update",
    "esp_partition.h": "esp_partition", "esp_random.h": "esp_hw_support", "esp_system.h": "esp_system",
    "esp_task_wdt.h": "esp_system", "esp_timer.h": "esp_timer", "esp_wifi.h": "esp_wifi",
    "freertos/FreeRTOS.h": "freertos", "freertos/semphr.h": "freertos", "freertos/task.h": "freertos",
    "libwebsockets.h": "espressif__libwebsockets", "mbedtls/ssl.h": "mbedtls", "nvs.h": "nvs_flash",
    "nvs_flash.h": "nvs_flash", "sdkconfig.h": "", "soc/gpio_reg.h": "soc", "soc/soc.h": "soc", "sys/time.h": "",
    "unistd.h": "",
}

problems = []


def bad(text):
    problems.append(text)


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), re.M)


def size(text):
    text = text.strip()
    factor = {"K": 1024, "M": 1024 * 1024}.get(text[-1:].upper(), 1)
    return int(text[:-1] if factor > 1 else text, 0) * factor


def partitions():
    """The table fits the flash, nothing overlaps, the two slots are equal and as large as fit."""
    flash, table_end = 4 * 1024 * 1024, 0x9000
    rows = []
    for line in (ROOT / "esp32/partitions.csv").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            name, kind, sub, offset, length = [field.strip() for field in line.split(",")[:5]]
            rows.append((name, kind, sub, size(offset), size(length)))
    end = table_end
    for name, kind, sub, offset, length in sorted(rows, key=lambda row: row[3]):
        if offset < end:
            bad(f"{name} at {offset:#x} overlaps what ends at {end:#x}")
        if offset % (0x10000 if kind == "app" else 0x1000) or length % 0x1000 or not length:
            bad(f"{name}: offset or size not on a boundary that flash and loader need")
        end = max(end, offset + length)
    if end > flash:
        bad(f"the table ends at {end:#x}, behind the flash")
    by = {(kind, sub): (name, offset, length) for name, kind, sub, offset, length in rows}
    if len(by) != len(rows):
        bad("two partitions of one kind")
    for wanted in [("data", "nvs"), ("data", "ota"), ("data", "coredump"), ("data", "0x40"), ("app", "ota_0"), ("app", "ota_1")]:
        if wanted not in by:
            bad(f"no partition {wanted}")
            return
    if by["data", "ota"][2] != 0x2000:
        bad("otadata has to be two sectors")
    if by["data", "0x40"][0] != "journal" or by["data", "0x40"][2] < 8 * 4096:
        bad("the journal is not there under its name, or too small to be of use")
    slots = by["app", "ota_0"][2], by["app", "ota_1"][2]
    if slots[0] != slots[1]:
        bad("the two slots differ")
    if flash - table_end - sum(row[4] for row in rows) >= 2 * 0x10000:
        bad("the slots could be larger")
    if ("data", "factory") in by or ("app", "factory") in by:
        bad("a factory image takes the place of a slot")


def listed(text, start):
    """The words after `start` up to the next keyword or parenthesis of a CMake call."""
    match = re.search(start + r"\s+([^)]*)", text)
    words = []
    for word in (match.group(1) if match else "").split():
        if re.fullmatch(r"[A-Z][A-Z_]+", word):
            break
        words.append(word)
    return words


def sources():
    """Every file that the project names exists, and every portable source is compiled for the chip."""
    component = (ROOT / "esp32/components/ecs/CMakeLists.txt").read_text()
    folders = listed(component, r"set\(folders")
    if not folders or "core" not in folders:
        bad("components/ecs: no list of folders")
    chip = {path for folder in folders for path in (ROOT / folder).rglob("*.c")}
    for folder in PORTABLE:
        for path in (ROOT / folder).rglob("*.c"):
            if path not in chip:
                bad(f"{path.relative_to(ROOT)} is not compiled for the chip (components/ecs/CMakeLists.txt)")
        lists = "".join(p.read_text() for p in (ROOT / folder).rglob("CMakeLists.txt")) + "".join(
            p.read_text() for p in (ROOT / folder).rglob("*.cmake"))
        for path in (ROOT / folder).rglob("*.c"):
            if path.name not in lists:
                bad(f"{path.relative_to(ROOT)} is compiled for the chip but not for Linux")
    for folder in folders:
        if folder.split("/")[0] not in PORTABLE:
            bad(f"{folder} is not a portable folder")
    names = [path.name for path in chip]
    for entry in re.findall(r"^\s+(\w+) \(noflash\)", (ROOT / "esp32/components/ecs/linker.lf").read_text(), re.M):
        if names.count(entry + ".c") != 1:
            bad(f"linker.lf: {entry} is not the name of exactly one source")

    main = (ROOT / "esp32/main/CMakeLists.txt").read_text()
    named = set(re.findall(r"\b(\w+\.c)\b", main))
    present = {path.name for path in (ROOT / "esp32/main").glob("*.c")}
    for name in named - present:
        bad(f"main: {name} does not exist")
    for name in present - named:
        bad(f"main: {name} is not listed")


def headers():
    """No portable file includes what only Linux has, and none looks into a port."""
    for folder in PORTABLE:
        allowed = {name + ".h" for name in C11} | ALSO.get(folder, set())
        for path in list((ROOT / folder).rglob("*.[ch]")) + list((ROOT / folder).rglob("*.def")):
            for name in includes(path):
                own = name.split("/")[0] in PORTABLE + ["port"]
                mbedtls = folder in ("net", "update", "station") and name.startswith(("mbedtls/", "psa/"))
                local = (path.parent / name).is_file()
                if not own and not mbedtls and not local and name not in allowed:
                    bad(f"{path.relative_to(ROOT)} includes {name}")


def requirements():
    """Every header of ESP-IDF that main/ includes belongs to a component in its PRIV_REQUIRES."""
    wanted = listed((ROOT / "esp32/main/CMakeLists.txt").read_text(), "PRIV_REQUIRES")
    for path in sorted((ROOT / "esp32/main").glob("*.[ch]")):
        for name in includes(path):
            stem = name[:-2]
            if stem in C11 or (path.parent / name).is_file() or (ROOT / name).is_file():
                continue
            if name not in OWNER:
                bad(f"main/{path.name}: which component owns {name}? Add it to OWNER here")
            elif OWNER[name] and OWNER[name] not in wanted:
                bad(f"main/{path.name} includes {name}, but {OWNER[name]} is not in PRIV_REQUIRES")


def kconfig():
    """Every Kconfig symbol that is used exists, and every one of ours is used."""
    menu = (ROOT / "esp32/main/Kconfig.projbuild").read_text()
    ours = set(re.findall(r"^\s*config (\w+)$", menu, re.M))
    idf = set((ROOT / "tests/esp32/idf_symbols.txt").read_text().split())
    used = {}
    # IDF_TARGET's value is a string; a comment's prose is no use of a symbol.
    for path in sorted((ROOT / "esp32").rglob("*")):
        if path.suffix in (".c", ".h") or path.name == "CMakeLists.txt" or path.name.startswith("sdkconfig."):
            text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
            text = "\n".join(line.split("#")[0] if path.name.startswith("sdkconfig") else line for line in text.splitlines())
            for symbol in re.findall(r"\bCONFIG_(\w+)", text):
                used.setdefault(symbol, path.relative_to(ROOT))
    for symbol, path in sorted(used.items()):
        if symbol not in ours and symbol not in idf:
            bad(f"{path}: CONFIG_{symbol} is defined nowhere (ESP-IDF's are listed in tests/esp32/idf_symbols.txt)")
    depended = set(re.findall(r"(?:if|depends on|&&|\|\|) !?(ECS_\w+)", menu))
    # The other half of a choice is what holds when the half that is used does not.
    halves = {"ECS_CP_UNIPOLAR", "ECS_LINK_WIFI", "ECS_LCD_ILI9341"}
    for symbol in sorted(ours - set(used) - depended - halves):
        bad(f"Kconfig: {symbol} is used by nothing")
    for symbol in idf - set(used):
        bad(f"idf_symbols.txt: {symbol} is used by nothing")


CHECKS = [partitions, sources, headers, requirements, kconfig]


def main():
    global ROOT
    name = sys.argv[1] if len(sys.argv) > 1 else "all"
    if len(sys.argv) > 2:
        ROOT = pathlib.Path(sys.argv[2]).resolve()
    chosen = [check for check in CHECKS if name in (check.__name__, "all")]
    if not chosen:
        print("check.py:", " ".join(check.__name__ for check in CHECKS), "or all", file=sys.stderr)
        return 2
    for check in chosen:
        check()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


sys.exit(main())
