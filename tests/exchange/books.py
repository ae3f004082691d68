"""Files built for tests of reading and writing."""

import io
import zipfile

import xlsxwriter

RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def xlsx(rows, merged=(), name="Sheet1", **others):
    """A workbook with these rows; merged: A1:B2 -> text; others: further sheets by name, `hidden_…` ones hidden."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    for title, content in ((name, rows), *others.items()):
        sheet = book.add_worksheet(title)
        if title.startswith("hidden_"):
            sheet.hide()
        for r, row in enumerate(content):
            for c, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(r, c, value)
                elif value is not None:
                    sheet.write(r, c, value)
        for place, text in merged if title == name else ():
            sheet.merge_range(place, text)
    book.close()
    return out.getvalue()


def raw_xlsx(cells, **parts):
    """A workbook zipped by hand around the XML of its rows; parts: further parts by name (dots as __)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("[Content_Types].xml", "<Types/>")
        zipped.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{RELS}"><Relationship Id="r" Type="{OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        zipped.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
        )
        zipped.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{RELS}"><Relationship Id="r1" Type="{OFFICE}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
        )
        zipped.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
        )
        for part, content in parts.items():
            zipped.writestr(part.replace("__", "."), content)
    return out.getvalue()
