#!/bin/sh
# make.sh makes the built-in sample anew: 60 s of colour bars with a running
# clock and a tone, three renditions of H.264 and one of AAC, cut every 2 s, as
# CMAF files that HLS and DASH share. It needs ffmpeg with libx264.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The clock needs a font; without one the picture does without the clock.
clock="null"
if ffmpeg -hide_banner -v error -f lavfi -i color=s=64x64:d=0.1 -vf "drawtext=text=x" -f null - 2>/dev/null; then
    clock="drawtext=text='%{pts\:hms}':x=(w-tw)/2:y=h*0.42:fontsize=52:fontcolor=white:box=1:boxcolor=black:boxborderw=10"
fi

# The loop has no hole: at 32 kHz 60 s are a whole number of AAC frames, and
# without B-frames no edit list shifts the pictures, which players that read only
# the fragments (hls.js) would see as a gap at each wrap.
# A bar goes across once every 10 s, so that a frozen picture is seen at once.
picture="smptehdbars=size=640x360:rate=25:duration=60[bars];color=white:size=8x360:rate=25:duration=60[bar];\
[bars][bar]overlay=x='mod(t*64,640)':shortest=1,$clock,format=yuv420p,split=3[p0][p1][p2];\
[p0]scale=256:144[v0];[p1]scale=426:240[v1];[p2]null[v2];\
sine=frequency=440:beep_factor=2:sample_rate=32000:duration=60,volume=-18dB[a]"

cd "$work"
mkdir 0 1 2 3
ffmpeg -hide_banner -v error -y -filter_complex "$picture" -map '[v0]' -map '[v1]' -map '[v2]' -map '[a]' \
    -c:v libx264 -preset veryslow -profile:v main -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 -flags +cgop -fflags +bitexact -flags:v +bitexact+cgop \
    -b:v:0 28k -maxrate:v:0 60k -bufsize:v:0 120k -b:v:1 50k -maxrate:v:1 100k -bufsize:v:1 200k -b:v:2 90k -maxrate:v:2 180k -bufsize:v:2 360k \
    -c:a aac -b:a 48k -ac 1 -flags:a +bitexact -metadata:s:a:0 language=en \
    -f dash -seg_duration 2 -frag_type none -use_template 1 -use_timeline 1 -hls_playlist 1 -dash_segment_type mp4 \
    -adaptation_sets 'id=0,streams=0,1,2 id=1,streams=3' \
    -init_seg_name '$RepresentationID$/init.mp4' -media_seg_name '$RepresentationID$/seg$Number$.m4s' manifest.mpd

# peak is the bit rate of a rendition's largest segment.
peak() {
    for f in "$1"/seg*.m4s; do wc -c <"$f"; done | sort -n | tail -1 | awk '{ print $1 * 8 / 2 }'
}

# ffmpeg numbers renditions and states the rates that were asked for; here they
# have names, a folder each and the rates that they need.
for pair in 3=a 0=v0 1=v1 2=v2; do
    from=${pair%=*} to=${pair#*=}
    mv "$from" "$to"
    sed -e "s#^$from/##; s#URI=\"$from/#URI=\"#; /PROGRAM-DATE-TIME/d" -e '/TARGETDURATION/a #EXT-X-PLAYLIST-TYPE:VOD' "media_$from.m3u8" >"$to/index.m3u8"
    rate=$(peak "$to")
    sed -i "s#<Representation id=\"$from\"\(.*\) bandwidth=\"[0-9]*\"#<Representation id=\"$to\"\1 bandwidth=\"$rate\"#" manifest.mpd
    rate=$((rate + $(peak a)))
    sed -i "s#media_$from\.m3u8#$to/index.m3u8#" master.m3u8
    awk -v entry="$to/index.m3u8" -v rate="$rate" '
        /^#EXT-X-STREAM-INF/ { held = $0; next }
        held != "" { if ($0 == entry) sub(/BANDWIDTH=[0-9]*/, "BANDWIDTH=" rate, held); print held; held = "" }
        { print }' master.m3u8 >master.new && mv master.new master.m3u8
    rm "media_$from.m3u8"
done
sed -i '/<ProgramInformation>/,/<\/ProgramInformation>/d; /<ServiceDescription/,/<\/ServiceDescription>/d' manifest.mpd
sed -i 's/NAME="audio_3"/NAME="tone",LANGUAGE="en"/; /^$/d' master.m3u8
sed -i 's/^#EXT-X-VERSION.*/&\n#EXT-X-INDEPENDENT-SEGMENTS/' master.m3u8

cd - >/dev/null
rm -rf v0 v1 v2 a master.m3u8 manifest.mpd
mv "$work/master.m3u8" "$work/manifest.mpd" "$work/v0" "$work/v1" "$work/v2" "$work/a" .
chmod -R u=rwX,go=rX .
du -sb .
