"""All of a dump but its stats: alerts, annotations, silences and dashboards.

Law: they come after the stats, and silences after the alerts, because they name them.
"""

from dataclasses import dataclass

import msgspec

from api.boards.kept import Boards
from api.importing.alerts import AlertImport
from api.importing.companions import Companions
from api.importing.dump import Dump
from api.importing.record import ImportRecord
from api.importing.silences import SilenceImport
from api.notify.office import Office
from api.plans.allowances import Allowances
from storage.directory import Directory


@dataclass(frozen=True, slots=True)
class Others:
    """Brings them in for an import, and takes them back."""

    office: Office
    directory: Directory
    allowances: Allowances
    boards: Boards

    async def bring(self, record: ImportRecord, dump: Dump, now_ms: int) -> ImportRecord:
        """Bring in what is not there; the record with what came of it. NotAccepted ends it."""
        companions, names = self._companions(record), self.directory.names(record.account)
        alerts = await self._alerts(record).bring(dump.alerts)
        notes = await companions.bring_notes(dump.notes, names, now_ms)
        silences = await self._silences(record).bring(dump.silences, names, alerts.ids, now_ms)
        allowance = self.allowances.of(record.account)
        boards = await companions.bring_boards(dump.boards, allowance, now_ms)
        tally = msgspec.structs.replace(
            record.tally, alerts_new=alerts.new, alerts_same=alerts.same,
            annotations_new=notes.new, annotations_same=notes.same,
            dashboards_new=boards.new, dashboards_same=boards.same,
            silences_new=silences.new, silences_same=silences.same,
        )  # fmt: skip
        told = msgspec.structs.replace(record, tally=tally)
        return told.noting(*alerts.faults, *notes.faults, *silences.faults, *boards.faults)

    async def forget(self, record: ImportRecord, now_ms: int) -> None:
        """Take back what it brought; alerts first, so that no silence ends before its alert."""
        await self._alerts(record).forget()
        await self._companions(record).forget(now_ms)
        await self._silences(record).forget()

    def _alerts(self, record: ImportRecord) -> AlertImport:
        return AlertImport(
            self.office, self.directory, self.allowances, record.account, record.id, record.dry_run
        )

    def _companions(self, record: ImportRecord) -> Companions:
        annotations = self.office.annotations
        return Companions(annotations, self.boards, record.account, record.id, record.dry_run)

    def _silences(self, record: ImportRecord) -> SilenceImport:
        return SilenceImport(self.office.quieting, record.account, record.id, record.dry_run)
