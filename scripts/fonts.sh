#!/bin/bash
# fonts: makes panel/fonts/*.c afresh from free fonts of Debian 12. Only for who changes sizes or characters: the
# tables are committed and an ordinary build needs none of this. Needs gcc, pkg-config, libfreetype-dev and apt-get.
#   scripts/fonts.sh           fetches the font packages into a temporary folder, without installing them
#   FONTS=DIR scripts/fonts.sh  takes the packages' unpacked files from DIR
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fonts=${FONTS:-}
if [ -z "$fonts" ]; then
    fonts=$work/files
    (cd "$work" && apt-get download -q fonts-inter fonts-noto-core fonts-material-design-icons-iconfont > /dev/null)
    for deb in "$work"/*.deb; do
        dpkg-deb -x "$deb" "$fonts"
    done
fi
share=$fonts/usr/share/fonts
bold=$share/opentype/inter/InterDisplay-Bold.otf
semi=$share/opentype/inter/InterDisplay-SemiBold.otf
plain=$share/opentype/inter/Inter-SemiBold.otf
arabic=$share/truetype/noto/NotoSansArabic-Bold.ttf
icons=$share/truetype/material-design-icons-iconfont/MaterialIcons-Regular.ttf

# shellcheck disable=SC2046
gcc -std=c11 -O2 -Wall -Wextra -I. -o "$work/fonts" scripts/fonts.c panel/text.c $(pkg-config --cflags --libs freetype2)
make_font() {
    "$work/fonts" "$@" > "$work/$1.c"
    mv "$work/$1.c" "panel/fonts/$1.c"
}

latin=20-7e,a0-17f,218-21b,fffd,2010-2015,2018-201e,2022,2026,20ac,202f,2192,2212,2264-2265
letters_ar=60c,61b,61f,640,fe80-fefc
# Large sizes carry only what the panel itself says: names and addresses are never set in them.
ours=panel

make_font number 76 1 "$bold" 20,2c-3a,2212
make_font title 46 1 "$bold" 20-7e,2026,202f,2212 "$bold" "$ours" 100 "$arabic" "$ours" 90
make_font head 32 1 "$bold" 20-7e,2026,202f,2212 "$bold" "$ours" 100 "$arabic" "$ours" 90
make_font text 22 1 "$semi" "$latin" "$arabic" "$letters_ar" 92
make_font small 16 1 "$plain" "$latin" "$arabic" "$letters_ar" 95

# Material Icons: bolt cloud_off check_circle hourglass_top warning power_off system_update_alt contactless
# directions_car schedule device_thermostat electrical_services build lock groups wifi_off block pause_circle ev_station
# battery_charging_full person cable settings power wifi memory speed article
set_icons=ea0b,e2c1,e86c,ea5b,e002,e646,e8d7,ea71,e531,e8b5,e1ff,f102,e869,e897,f233,e648,e14b,e1a2,e56d,e1a3,e7fd,efe6,e8b8,e63c,e63e,e322,e9e4,ef42
make_font icon_large 84 0 "$icons" "$set_icons"
make_font icon_small 22 0 "$icons" "$set_icons"
