# SPDX-License-Identifier: MIT
"""A QEMU of one's own, driven over QMP on its standard input and output."""

import json
import queue
import subprocess
import threading
import time


class QmpError(Exception):
    """QEMU refused a command, or did not answer in time; or it ended, with `status`."""

    def __init__(self, text, status=None):
        super().__init__(text)
        self.status = status


class Qemu:
    """One QEMU process: start, execute commands, wait for events, quit.

    Every wait is bounded by `patience` seconds. What QEMU writes to stderr is
    kept in `messages_path`.
    """

    def __init__(self, argv, messages_path, patience=30.0):
        self.patience = patience
        self.events = []
        self._messages_path = messages_path
        with open(messages_path, "wb") as messages:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, text=True)
        self._replies = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        greeting = self._next("greeting")
        version = greeting["QMP"]["version"]["qemu"]
        self.version = f"{version['major']}.{version['minor']}.{version['micro']}"
        self.execute("qmp_capabilities")

    def _read(self):
        for line in self._process.stdout:
            message = json.loads(line)
            if "event" in message:
                self.events.append(message)
            else:
                self._replies.put(message)
        self._replies.put(None)

    def _next(self, what):
        try:
            message = self._replies.get(timeout=self.patience)
        except queue.Empty:
            raise QmpError(f"{what}: no answer within {self.patience:.0f} s") from None
        if message is None:
            status = self._process.wait(self.patience)
            raise QmpError(f"{what}: QEMU ended: {self.messages().strip() or 'no message'}", status)
        return message

    def execute(self, command, **arguments):
        """The command's return value; QmpError with QEMU's description when refused."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        reply = self._next(command)
        if "error" in reply:
            raise QmpError(reply["error"]["desc"])
        return reply["return"]

    def device_add(self, driver, name, bus, **properties):
        """Hot-plug. Properties go as they are (host, sysfsdev, ...)."""
        return self.execute("device_add", driver=driver, id=name, bus=bus, **properties)

    def pci_devices(self):
        """The devices behind root ports, by their id: {id: [region, ...]}."""
        found = {}
        for bus in self.execute("query-pci"):
            for port in bus["devices"]:
                for device in port.get("pci_bridge", {}).get("devices", []):
                    found[device["qdev_id"]] = device["regions"]
        return found

    def wait_event(self, name):
        """The first event of this name, past or to come."""
        def find():
            return next((e for e in self.events if e["event"] == name), None)
        return wait_for(find, f"event {name}", self.patience)

    def messages(self):
        """What QEMU wrote to stderr so far."""
        with open(self._messages_path, encoding="utf-8", errors="replace") as messages:
            return messages.read()

    def quit(self):
        """Ends QEMU; its exit status."""
        self.execute("quit")
        return self._process.wait(self.patience)

    def kill(self):
        """Ends QEMU whatever state it is in."""
        self._process.kill()
        self._process.wait(self.patience)


def wait_for(condition, what, patience=30.0):
    """Asks `condition` until its answer is true, and returns that."""
    end = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise QmpError(f"{what}: not within {patience:.0f} s")
        time.sleep(0.05)
