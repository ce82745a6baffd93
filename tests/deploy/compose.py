"""Says all that is wrong with deploy/compose: what the Compose specification refuses, and what it can't know. Docker itself isn't needed.
Run with the Python of build/check-tools (deploy/setup/check_tools.sh): compose.py PORCHLIGHT, the compiled command line."""

import pathlib
import re
import subprocess
import sys
import tempfile

import compose_spec
import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "deploy/compose"
SERVICES = {"directory", "intake", "notification", "screening", "mdt", "oncall"}
BROKERS = {"kafka-1", "kafka-2", "kafka-3"}


def check(compose):
    services = compose["services"]
    for name in sorted((SERVICES | BROKERS | {"redis", "redis-replica", "topics"}) - set(services)):
        yield f"the service {name} is missing"
    for name, service in services.items():
        image, _, tag = service["image"].rpartition(":")
        if not image or (tag == "latest" and image != "porchlight"):
            yield f"{name} has the image {service['image']}, whose version isn't said"
        if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name} keeps privileges"
        if "restart" not in service:
            yield f"{name} isn't started again when it ends"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name} publishes {port} to others than this machine"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and not (FOLDER / source).exists():
                yield f"{name} mounts {source}, which isn't there"
    for name in sorted(SERVICES & set(services)):
        service = services[name]
        if service["command"][0] != f"porchlight-{name}":
            yield f"{name} runs {service['command'][0]}"
        if not service.get("read_only") or "healthcheck" not in service:
            yield f"{name} can write to its root, or isn't asked whether it is ready"
    for name in sorted(BROKERS & set(services)):
        environment = services[name]["environment"]
        if environment["KAFKA_DEFAULT_REPLICATION_FACTOR"] != 3 or environment["KAFKA_MIN_INSYNC_REPLICAS"] != 2:
            yield f"{name} may accept a record that a single broker has"
        if services[name]["networks"] != ["inside"]:
            yield f"{name} can be reached from outside"


def main(porchlight):
    # Compose fills in variables, and knows merged maps; the checker of its specification does neither.
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (FOLDER / "compose.yaml").read_text())
    compose = yaml.safe_load(text)
    for fragment in [key for key in compose if key.startswith("x-")]:
        del compose[fragment]
    wrong = []
    try:
        read = compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose))
        read.to_spec()
        for part in (read.validate_networks, read.validate_secrets, read.validate_configs, read.validate_volumes):
            part()
    except ValueError as error:
        wrong.append(str(error))
    wrong += check(compose)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        text = (FOLDER / "config.yaml").read_text()
        file.write(text.replace("/etc/porchlight/directory.yaml", str(FOLDER.parent / "sample/directory.yaml")))
        file.flush()
        done = subprocess.run([porchlight, "config", "check", file.name], capture_output=True, text=True)
        if done.returncode != 0:
            wrong.append(f"config.yaml is refused: {done.stderr.replace(file.name + ':', '').strip()}")
    print("\n".join(f"deploy/compose: {text}" for text in wrong) or f"{len(compose['services'])} services are as they must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
