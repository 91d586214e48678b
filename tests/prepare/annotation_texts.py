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
