"""Annotations of the same two segments as each tool writes them, for all tests of them."""

from __future__ import annotations

TABULAR = """\
Observation id|Observation date|Description|Observation duration|Observation type|Source|Time offset (s)|Media duration (s)|FPS|Subject|Behavior|Behavioral category|Modifier #1|Behavior type|Time|Media file name|Image index|Image file path|Comment
first|2024-01-01||10|Media file|player #1:clips/P01.cam 2.mp4|0.0|10.0|25.0|No focal subject|cut||slow|START|0.500|clips/P01.cam 2.mp4|12||
first|2024-01-01||10|Media file|player #1:clips/P01.cam 2.mp4|0.0|10.0|25.0|No focal subject|look|||POINT|1.000|clips/P01.cam 2.mp4|25||
first|2024-01-01||10|Media file|player #1:clips/P01.cam 2.mp4|0.0|10.0|25.0|No focal subject|cut||slow|STOP|2.000|clips/P01.cam 2.mp4|50||
first|2024-01-01||10|Media file|player #1:clips/P01.cam 2.mp4|0.0|10.0|25.0|No focal subject|pour milk|||START|2.000|clips/P01.cam 2.mp4|50||
first|2024-01-01||10|Media file|player #1:clips/P01.cam 2.mp4|0.0|10.0|25.0|No focal subject|pour milk|||STOP|3.250|clips/P01.cam 2.mp4|81||
""".replace("|", "\t")  # noqa: E501
TABULAR_OLD = """\
Observation id|first||||||
|||||||
Media file(s)|||||||
Player #1|P01.mp4||||||
|||||||
Time|Media file path|Total length|FPS|Subject|Behavior|Behavioral category|Comment|Status
0.500|C:\\clips\\P01.mp4|10.0|25.0||cut|||START
2.000|C:\\clips\\P01.mp4|10.0|25.0||cut|||STOP
2.000|C:\\clips\\P01.mp4|10.0|25.0||pour milk|||START
3.250|C:\\clips\\P01.mp4|10.0|25.0||pour milk|||STOP
""".replace("|", "\t")
AGGREGATED = """\
Observation id,Observation date,Description,Media file,Total length,FPS,Subject,Behavior,Behavioral category,Modifiers,Behavior type,Start (s),Stop (s),Duration (s),Comment start,Comment stop
first,2024-01-01,"slow, careful",P01.mp4,10.0,25.0,anna,cut,,,STATE,0.500,2.000,1.500,,
first,2024-01-01,"slow, careful",P01.mp4,10.0,25.0,anna,look,,,POINT,1.000,NA,NA,,
first,2024-01-01,"slow, careful",P01.mp4,10.0,25.0,anna,pour milk,,,STATE,2.000,3.250,1.250,,
second,2024-01-01,,P02.mp4,10.0,25.0,ben,cut,,,STATE,1.000,4.000,3.000,,
"""  # noqa: E501
ELAN = """\
<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///home/anna/P01.mp4" MIME_TYPE="video/mp4"/>
    </HEADER>
    <TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>
        <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2000"/>
        <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="3250"/>
        <TIME_SLOT TIME_SLOT_ID="ts4"/>
    </TIME_ORDER>
    <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="actions">
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
            <ANNOTATION_VALUE>cut</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
            <ANNOTATION_VALUE>pour
            milk</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER>
    <TIER LINGUISTIC_TYPE_REF="note" PARENT_REF="actions" TIER_ID="notes">
        <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a1">
            <ANNOTATION_VALUE>with a knife</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
    </TIER>
</ANNOTATION_DOCUMENT>
"""
AUDACITY = "0.500000\t2.000000\tcut\n\\\t100.0\t2000.0\n2.000000\t3.250000\tpour milk\n"
CSV = "label,start_s,stop_s\ncut,0.5,2\npour milk,2,3.25\n"
CSV_FRAMES = "label,start,stop,start_s,stop_s,confidence\ncut,5,20,0.5,2.0,\npour milk,20,33,2.0,3.3,\n"
JSON = '[{"label": "cut", "start": 0.5, "stop": 2.0}, {"label": "pour milk", "start": 2.0, "stop": 3.25}]'
ACTIVITYNET = """\
{"version": "1.3", "database": {
  "P01": {"subset": "training", "duration": 10.0, "annotations": [
    {"segment": [0.5, 2.0], "label": "cut"}, {"segment": [2.0, 3.25], "label": "pour milk"}]},
  "P09": {"subset": "testing", "duration": 10.0, "annotations": []}}}
"""
VIA = """\
{"project": {"pid": "x", "pname": "kitchen"},
 "attribute": {"1": {"aname": "action", "type": 4, "options": {"1": "cut", "2": "pour milk"}}},
 "file": {"1": {"fid": "1", "fname": "P01.mp4"}}, "view": {"1": {"fid_list": ["1"]}},
 "metadata": {
  "1_a": {"vid": "1", "z": [0.5, 2.0], "xy": [], "av": {"1": "1"}},
  "1_b": {"vid": "1", "z": [2.0, 3.25], "xy": [], "av": {"1": "2"}},
  "1_c": {"vid": "1", "z": [1.0], "xy": [2, 5, 5, 10, 10], "av": {}}}}
"""
LABEL_STUDIO = """\
[{"id": 7, "data": {"video": "/data/upload/1/0a1b2c3d-P01.mp4"}, "annotations": [{"completed_by": 1, "result": [
  {"id": "a", "type": "timelinelabels", "value": {"ranges": [{"start": 3, "end": 8}], "timelinelabels": ["cut"]}},
  {"id": "b", "type": "timelinelabels", "value": {"ranges": [{"start": 9, "end": 13}],
   "timelinelabels": ["pour milk"]}}]}]}]
"""
BORIS_PROJECT = """\
{"time_format": "hh:mm:ss", "project_name": "kitchen",
 "behaviors_conf": {"0": {"type": "State event", "code": "cut"}, "1": {"type": "State event", "code": "pour milk"},
                    "2": {"type": "Point event", "code": "look"}},
 "observations": {"first": {"type": "MEDIA", "time offset": 0.0, "file": {"1": ["clips/P01.mp4"], "2": []},
  "media_info": {"length": {"clips/P01.mp4": 10.0}, "fps": {"clips/P01.mp4": 25.0}},
  "events": [[0.5, "", "cut", "", ""], [1.0, "", "look", "", ""], [2.0, "", "cut", "", ""],
             [2.0, "", "pour milk", "", ""], [3.25, "", "pour milk", "", ""]]}}}
"""
TEXTGRID = """\
File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 10
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "actions"
        xmin = 0
        xmax = 10
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 2
            text = "cut"
        intervals [3]:
            xmin = 2
            xmax = 3.25
            text = "pour milk"
        intervals [4]:
            xmin = 3.25
            xmax = 10
            text = ""
    item [2]:
        class = "TextTier"
        name = "notes"
        xmin = 0
        xmax = 10
        points: size = 0
"""
TEXTGRID_SHORT = """\
File type = "ooTextFile"
Object class = "TextGrid"

0
10
<exists>
1
"IntervalTier"
"actions"
0
10
4
0
0.5
""
0.5
2
"cut"
2
3.25
"pour milk"
3.25
10
""
"""
FRAME_TABLE = "Frame\tPhase\n" + "".join(
    f"{t}\t{'cut' if 2 <= t < 8 else 'pour milk' if 8 <= t < 13 else 'none'}\n" for t in range(16)
)
"""At 4 frames a second; ``none`` is a class of its own."""

ONE_HOT = ",none,cut,pour milk\n" + "".join(
    f"{t},{int(not 2 <= t < 13)},{int(2 <= t < 8)},{int(8 <= t < 13)}\n" for t in range(16)
)
