"""Two hundred runs wait in one triggerer."""

from __future__ import annotations

import asyncio
import json

from airflow_provider_openai_batch.triggers.openai_batch import MOST_LOOKS_AT_ONCE, OpenAIBatchRunTrigger

TRIGGERS = 200


class SlowServer:
    """An API on the triggers' own event loop that answers nobody before its places are taken.

    A call that blocks the loop would never be answered.
    """

    def __init__(self):
        self.in_flight = self.most_in_flight = self.connections = self.open = 0
        self.full = asyncio.Event()
        self.closed = asyncio.Event()

    async def serve(self, reader, writer):
        """Answer the requests of one connection; every batch has ended."""
        self.connections += 1
        self.open += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._wait()
                name = head.split(b" ", 2)[1].rsplit(b"/", 1)[1].decode()
                body = json.dumps({"id": name, "status": "completed", "output_file_id": "f"}).encode()
                kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                writer.write(kind % len(body) + body)
                await writer.drain()
        except asyncio.IncompleteReadError:
            self.open -= 1
            writer.close()
            if not self.open:
                self.closed.set()

    async def _wait(self):
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.in_flight == MOST_LOOKS_AT_ONCE:
            self.full.set()
        await self.full.wait()
        self.in_flight -= 1


async def fire(trigger):
    return [event.payload["reason"] async for event in trigger.run()]


async def crowd(waiting, port):
    """Let all wait at once; give their events and the server once its connections are closed."""
    api = SlowServer()
    async with await asyncio.start_server(api.serve, "127.0.0.1", port):
        triggers = [OpenAIBatchRunTrigger(**waiting) for _ in range(TRIGGERS)]
        fired = await asyncio.gather(*map(fire, triggers))
        await api.closed.wait()
    return fired, api


def test_slow_answers_hold_nobody_up(waiting, openai_batch_emulator):
    """They take turns, share connections, fire once each, and leave no connection open."""
    port = int(openai_batch_emulator.base_url.rsplit(":", 1)[1].split("/")[0])
    openai_batch_emulator.stop()
    try:
        fired, api = asyncio.run(asyncio.wait_for(crowd(waiting, port), 120))
    finally:
        openai_batch_emulator.start()

    assert fired == [["Due"]] * TRIGGERS
    assert api.most_in_flight == MOST_LOOKS_AT_ONCE
    assert api.connections <= MOST_LOOKS_AT_ONCE
