#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What vfiosim prints as JSON is what the schemas beside this file say: check.py BUILD.

Real output of every kind is held against its schema. A key that no schema has fails, and
so does a key of a schema that no output had: schemas say neither less nor more than there
is. Needs python3-jsonschema. The last line is "N passed, N failed, N skipped".
"""
import fcntl
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# Keys that the runs below meet by chance or never; stories of other tests look at them.
RARE = {
    'state': {'stale', 'vaddr_invalid', 'reason', 'iova', 'length'},
    'case-sweep': {'defect', 'detail'},    # the simulator has none
}


def finish(passed, failed, skipped):
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    sys.exit(failed > 0)


try:
    import jsonschema
except ImportError:
    print('skip: JSON schemas: python3-jsonschema is not installed')
    finish(0, 0, 1)

SCHEMAS = {path.name.split('.')[0]: json.loads(path.read_text())
           for path in sorted(HERE.glob('*.schema.json'))}


def validator(name):
    """For jsonschema of either side of 4.18, which brought `referencing`."""
    try:
        from referencing import Registry, Resource
    except ImportError:
        store = {schema['$id']: schema for schema in SCHEMAS.values()}
        resolver = jsonschema.RefResolver(base_uri='', referrer=SCHEMAS[name], store=store)
        return jsonschema.Draft7Validator(SCHEMAS[name], resolver=resolver)
    registry = Registry().with_resources((schema['$id'], Resource.from_contents(schema))
                                         for schema in SCHEMAS.values())
    return jsonschema.Draft7Validator(SCHEMAS[name], registry=registry)


def keys_of_schema(node):
    """Every key that a schema names anywhere."""
    if isinstance(node, list):
        return set().union(*map(keys_of_schema, node))
    if not isinstance(node, dict):
        return set()
    named = node.get('properties', {})
    named = set(named) if isinstance(named, dict) else set()
    return named.union(*(keys_of_schema(value) for value in node.values()))


def keys_of(value):
    """Every key that a value has anywhere."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set()


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def result(self, what, problems):
        if problems:
            self.failed += 1
            print(f'not ok: {what}')
            for problem in problems[:8]:
                print(f'    {problem}')
        else:
            self.passed += 1

    def run(self, *command, status=0):
        """A command that has to end with @status; has it?"""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=150, check=False)
        good = done.returncode == status
        told = done.stdout.decode(errors='replace').splitlines()[-7:]
        self.result(' '.join(map(str, command)),
                    [] if good else [f'ended with {done.returncode}, not {status}', *told])
        return good

    def hold(self, name, what, values):
        """Each of @values is as the schema @name says, and each key of that is there."""
        check = validator(name)
        problems, seen = [], set()
        for value in values:
            error = jsonschema.exceptions.best_match(check.iter_errors(value))
            if error:
                at = '/'.join(map(str, error.absolute_path))
                problems.append(f'{at or "(all)"}: {error.message[:200]}')
            seen |= keys_of(value)
        if not values:
            problems.append('there was no output')
        elif check.is_valid(dict(values[-1], unheard_of=1)):
            problems.append('but it takes a key that nobody has heard of')
        self.result(f'{what} ({len(values)}) are as {name}.schema.json says', problems)
        never = keys_of_schema(SCHEMAS[name]) - seen - RARE.get(name, set())
        self.result(f'{name}.schema.json names what there is',
                    [f'no output had {key}' for key in sorted(never)])



def lines(path):
    """Of JSON, each; none where the command that writes them has failed."""
    text = path.read_text(errors='surrogateescape') if path.exists() else ''
    return [json.loads(line) for line in text.splitlines()]


# What a run's control file is told while the client below has its files open.
LINES = ['list', 'mark here', 'log', 'fault MAP_DMA,when=9,error=ENOMEM', 'state', 'fault remove 1',
         'why', 'pin mdev0 0x100000', 'unpin mdev0 0x100000', 'unplug nic0', 'plug nic0', 'unheard of']


def command(fd, number, text, *values):
    """An ioctl with a structure; what it answers, or None where it is refused."""
    data = bytearray(struct.pack(text, *values))
    try:
        fcntl.ioctl(fd, 0x3b00 | number, data)
    except OSError:
        return None
    return struct.unpack(text, data)


def client():
    """A client of the compatibility interface: an ioas with a file in it, and an mdev."""
    iommufd = os.open('/dev/iommu', os.O_RDWR)
    ioas = command(iommufd, 0x81, 'III', 12, 0, 0)[2]           # IOMMU_IOAS_ALLOC
    command(iommufd, 0x88, 'IIHH', 12, ioas, 1, 0)              # IOMMU_VFIO_IOAS, set
    memory = os.memfd_create('memory')
    os.ftruncate(memory, 1 << 20)
    command(iommufd, 0x8f, 'IIIiQQQ', 40, 7, ioas, memory, 0, 4096, 0x100000)   # IOMMU_IOAS_MAP_FILE
    command(iommufd, 0x85, 'IIIIQQQ', 40, 7, ioas, 0, 0, 0, 0)               # IOMMU_IOAS_MAP, refused
    group = os.open('/dev/vfio/11', os.O_RDWR)
    fcntl.ioctl(group, 0x3b68, struct.pack('i', iommufd))       # VFIO_GROUP_SET_CONTAINER
    device = fcntl.ioctl(group, 0x3b6a, MDEV)                   # VFIO_GROUP_GET_DEVICE_FD
    return iommufd, memory, group, device


MDEV = b'83b8f4f2-509f-382f-3c1e-e6bfe0fa1001'


def inside(path):
    """In a run: asks the control file, and writes what it answers, as one list."""
    files, answers = client(), []
    for line in LINES:
        with open(os.environ['VFIOSIM_CTL'], 'r+b', buffering=0) as control:
            try:
                control.write(line.encode())
            except OSError:
                pass
            control.seek(0)
            answers.append((line.split()[0], json.loads(control.read(1 << 22))))
    pathlib.Path(path).write_text(json.dumps(answers))
    return files


def probe(checks, build, folder, section):
    trace, state = folder / f'{section}.trace', folder / f'{section}.state'
    good = checks.run(build / 'vfiosim', 'run', '--topology', 'q35', '--trace', trace, '--state', state,
                      '--', build / 'facts-probe', f'--{section}')
    return (lines(trace), [json.loads(state.read_text())]) if good else ([], [])


def main():
    checks = Checks()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # the folder goes as well
    build = pathlib.Path(sys.argv[1]).resolve()
    vfiosim = build / 'vfiosim'
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        events, states = [], []
        for section in ('legacy', 'iommufd'):
            more_events, more_states = probe(checks, build, folder, section)
            events += more_events
            states += more_states
        checks.hold('trace', 'events', events)
        checks.hold('run-state', 'states of runs', states)
        machines = [state[when] for state in states for when in state]

        answers = []
        checks.run(vfiosim, 'run', '--topology', 'hotadd', '--name', 'here', '--', sys.executable, __file__,
                   '--inside', folder / 'answers')
        if (folder / 'answers').exists():
            answers = json.loads((folder / 'answers').read_text())
        checks.hold('state', 'machines', machines + [value for verb, value in answers if verb == 'state'])
        checks.hold('control', 'answers', [value for verb, value in answers])
        checks.hold('why', 'reasons', [value for verb, value in answers if verb == 'why'])

        checks.run(vfiosim, 'sweep', '--topology', 'hotadd', '--json', folder / 'sweep', '--shallow', '20',
                   '--', build / 'examples' / 'attach2', '--broken=leak', status=1)
        checks.hold('sweep', 'results', lines(folder / 'sweep'))
        checks.run(vfiosim, 'case', 'matrix', 'mdev-hotadd', '--kernel', '6.1,7.2', '--json',
                   folder / 'matrix')
        checks.hold('matrix', 'cells', lines(folder / 'matrix'))
        checks.run(vfiosim, 'case', 'sweep', 'tour-map', '--json', folder / 'case-sweep')
        checks.hold('case-sweep', 'points', lines(folder / 'case-sweep'))
    finish(checks.passed, checks.failed, 0)


if sys.argv[1] == '--inside':
    inside(sys.argv[2])
else:
    main()
