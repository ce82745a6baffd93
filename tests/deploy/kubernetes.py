"""Renders every overlay of k8s/ and says all that is wrong with it: what Kubernetes' own schemas refuse, and what they can't know.
Run with the Python of build/check-tools (deploy/setup/check_tools.sh): kubernetes.py PORCHLIGHT, the compiled command line."""

import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBECTL = pathlib.Path(sys.executable).with_name("kubectl")
SERVICES = {"directory", "intake", "notification", "screening", "mdt", "oncall"}
# The oldest with matchLabelKeys on by default that anybody should still run, and the newest that has schemas here.
VERSIONS = ("1.30", "1.37")
# Of what operators define there are no schemas: the keys that each must have, and may have, in its spec.
CUSTOM = {
    ("keda.sh/v1alpha1", "ScaledObject"): (
        {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "triggers"}, {"advanced", "fallback"}),
    ("kafka.strimzi.io/v1beta2", "Kafka"): ({"kafka", "entityOperator"}, set()),
    ("kafka.strimzi.io/v1beta2", "KafkaNodePool"): ({"replicas", "roles", "storage"}, {"resources", "template"}),
    ("kafka.strimzi.io/v1beta2", "KafkaUser"): ({"authentication", "authorization"}, set()),
}


def render(overlay):
    done = subprocess.run([KUBECTL, "kustomize", overlay], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{overlay.relative_to(ROOT)} can't be rendered: {done.stderr.strip()}")
    return [thing for thing in yaml.safe_load_all(done.stdout) if thing]


def check_schema(thing):
    kind = (thing["apiVersion"], thing["kind"])
    if kind in CUSTOM:
        must, may = CUSTOM[kind]
        keys = set(thing["spec"])
        for key in sorted(must - keys):
            yield f"its spec lacks {key}"
        for key in sorted(keys - must - may):
            yield f"its spec has {key}, which tests/deploy/kubernetes.py doesn't know"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"Kubernetes {version} refuses {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"Kubernetes {version} knows no such kind, and tests/deploy/kubernetes.py doesn't either"


def check_pod(pod):
    whole = pod.get("securityContext", {})
    if not whole.get("runAsNonRoot") or not whole.get("runAsUser"):
        yield "its pod may run as root"
    if whole.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "its pod has no seccomp profile"
    if pod.get("automountServiceAccountToken", True):
        yield "its pod gets a token of Kubernetes, which it doesn't need"
    for container in pod.get("initContainers", []) + pod["containers"]:
        own = container.get("securityContext", {})
        named = f"its container {container['name']}"
        if not own.get("readOnlyRootFilesystem"):
            yield f"{named} can write to its root"
        if own.get("allowPrivilegeEscalation", True) or own.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{named} keeps privileges"
        if "memory" not in container["resources"]["limits"] or "cpu" not in container["resources"]["requests"]:
            yield f"{named} doesn't say what it needs"
        image, _, tag = container["image"].rpartition(":")
        if not image or tag == "latest":
            yield f"{named} has the image {container['image']}, whose version isn't said"


def check_whole(things):
    """What must be there, and fit together."""
    def named(kind):
        return {thing["metadata"]["name"]: thing for thing in things if thing["kind"] == kind}

    pods = [thing["spec"]["template"] for thing in things if "template" in thing.get("spec", {})]
    labels = [pod["metadata"]["labels"] for pod in pods if "metadata" in pod]
    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        for name in sorted(SERVICES - set(named(kind))):
            yield f"{kind} {name} is missing"
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        for name, thing in named(kind).items():
            selector = thing["spec"].get("selector") or thing["spec"].get("podSelector")
            selector = selector.get("matchLabels", selector)
            theirs = {"porchlight-client", "strimzi.io/cluster"} & set(selector)
            if not theirs and not any(selector.items() <= have.items() for have in labels):
                yield f"{kind} {name} selects no pod"
    for name, thing in named("Deployment").items():
        [container] = thing["spec"]["template"]["spec"]["containers"]
        if container["command"] != [f"porchlight-{name}"]:
            yield f"Deployment {name} runs {container['command']}"
        if "grpc" not in container.get("readinessProbe", {}):
            yield f"Deployment {name} isn't asked whether it is ready"
    if not any(thing["spec"]["podSelector"] == {} and {"Ingress", "Egress"} <= set(thing["spec"]["policyTypes"])
               and not {"ingress", "egress"} & set(thing["spec"]) for thing in named("NetworkPolicy").values()):
        yield "no NetworkPolicy denies all that isn't allowed"
    for name in named("Secret"):
        yield f"Secret {name} is part of it: secrets are referred to, never written down"
    partitions = {topic["name"]: topic["partitions"]
                  for topic in yaml.safe_load((ROOT / "deploy/topics.yaml").read_text())["topics"]}
    for name, thing in named("ScaledObject").items():
        if thing["spec"]["maxReplicaCount"] != partitions[f"porchlight.{name}.commands"]:
            yield f"ScaledObject {name} may start {thing['spec']['maxReplicaCount']} processes, not one for each partition"
        if "replicas" in named("Deployment")[name]["spec"]:
            yield f"Deployment {name} says how many there are, which is for its ScaledObject to say"


def check_configuration(things, porchlight):
    for thing in things:
        if thing["kind"] != "ConfigMap":
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name, text in thing["data"].items():
                pathlib.Path(folder, name).write_text(text.replace("/etc/porchlight", folder))
            done = subprocess.run([porchlight, "config", "check", f"{folder}/config.yaml"], capture_output=True, text=True)
            if done.returncode != 0:
                yield done.stderr.replace(folder, "/etc/porchlight").strip()


def main(porchlight):
    wrong = []
    overlays = sorted((ROOT / "k8s/overlays").iterdir())
    count = 0
    for overlay in overlays:
        things = render(overlay)
        count += len(things)
        found = [(f"{thing['kind']} {thing['metadata']['name']}", text) for thing in things for text in check_schema(thing)]
        found += [(f"{thing['kind']} {thing['metadata']['name']}", text) for thing in things
                  if thing["kind"] in ("Deployment", "StatefulSet", "Job") for text in check_pod(thing["spec"]["template"]["spec"])]
        found += [("all of it", text) for text in check_whole(things)]
        found += [("the configuration", text) for text in check_configuration(things, porchlight)]
        wrong += [f"k8s/overlays/{overlay.name}: {what}: {text}" for what, text in found]
    print("\n".join(wrong) or f"{count} objects in {len(overlays)} overlays are as they must be")
    return 1 if wrong or not overlays else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
