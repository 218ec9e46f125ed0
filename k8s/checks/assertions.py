#!/usr/bin/env python3
"""What an API server cannot see: names that lead nowhere, flags that the program does not know, users with too many
rights. Usage: assertions.py BINARY FOLDER…, where BINARY is a loopledger and each FOLDER an overlay."""

import functools
import re
import subprocess
import sys

from rendered import REPOSITORY, Refused, objects, render

PROGRAMS = {"procurement": "procurement", "station": "station", "distribution": "distribution", "sales": "sales",
            "projection": "ledger"}  # and the topic that each may write
PARTITIONS = 64

# Labels of pods that others make: Strimzi of a Kafka, and what runs elsewhere in a cluster.
BROKERS = {"strimzi.io/cluster": "loopledger", "strimzi.io/name": "loopledger-kafka"}
OTHERS = [BROKERS, {"strimzi.io/kind": "cluster-operator"}, {"loopledger/client": "true"}, {"k8s-app": "kube-dns"},
          {"app.kubernetes.io/name": "prometheus"}, {"app.kubernetes.io/name": "opentelemetry-collector"}]

# Kinds that would let callers in from outside.
PUBLISHING = {"Ingress", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "Gateway"}

# The ports of an API server, which has no pods to name.
API_SERVER = {443, 6443}

# Variables of the environment that are no arguments of `serve`.
VARIABLES = {"LOOPLEDGER_LOG_FORMAT"}

STOP_SECONDS = int(re.search(r"STOP_MAX: Duration = Duration::from_secs\((\d+)\)",
                             (REPOSITORY / "crates/grpc/src/server.rs").read_text())[1])


def name(thing):
    return f"{thing['kind']} {thing['metadata']['name']}"


def of(things, kind):
    return [thing for thing in things if thing["kind"] == kind]


def matches(selector, labels):
    return all(labels.get(key) == value for key, value in (selector or {}).items())


class Pods:
    """The pods of the rendered StatefulSets."""

    def __init__(self, things):
        self.templates = [thing["spec"]["template"] for thing in of(things, "StatefulSet")]

    def selected(self, selector):
        return [pod for pod in self.templates if matches(selector, pod["metadata"]["labels"])]


def ports(pod):
    return {port["name"]: port["containerPort"] for container in pod["spec"]["containers"]
            for port in container.get("ports", [])}


def has_port(pod, port):
    return port in ports(pod) if isinstance(port, str) else port in ports(pod).values()


def selectors(things):
    """What selects pods selects some."""
    pods = Pods(things)
    for thing in things:
        spec = thing.get("spec", {})
        if thing["kind"] == "Service":
            selector = spec.get("selector", {"no": "selector"})
        elif thing["kind"] in ("PodDisruptionBudget", "PodMonitor"):
            selector = spec["selector"]["matchLabels"]
        else:
            continue
        if not pods.selected(selector):
            yield f"{name(thing)} selects no pod: {selector}"
    for policy in of(things, "NetworkPolicy"):
        peers = [peer for flow in policy["spec"].get("ingress", []) + policy["spec"].get("egress", [])
                 for peer in flow.get("from", []) + flow.get("to", [])]
        chosen = [policy["spec"]["podSelector"]] + [peer["podSelector"] for peer in peers if "podSelector" in peer]
        for selector in (selector.get("matchLabels", {}) for selector in chosen):
            if not pods.selected(selector) and not any(matches(selector, labels) for labels in OTHERS):
                yield f"{name(policy)} names pods that nobody makes: {selector}"


def port_names(things):
    """Ports that are named are there."""
    pods = Pods(things)
    for service in of(things, "Service"):
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if not all(has_port(pod, target) for pod in pods.selected(service["spec"].get("selector", {"no": "selector"}))):
                yield f"{name(service)} leads to port {target}, which its pods do not have"
    for monitor in of(things, "PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            if not all(has_port(pod, endpoint["port"])
                       for pod in pods.selected(monitor["spec"]["selector"]["matchLabels"])):
                yield f"{name(monitor)} scrapes port {endpoint['port']}, which its pods do not have"
    for policy in of(things, "NetworkPolicy"):
        yield from policy_ports(policy, pods)
    for pod in pods.templates:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            said = pod["spec"]["containers"][0].get(probe, {})
            handler = said.get("httpGet") or said.get("grpc") or {"port": "of nothing"}
            if not has_port(pod, handler["port"]):
                yield f"{probe} of {component(pod)} asks port {handler['port']}, which it does not have"
        for flag, port in (("--listen", "grpc"), ("--metrics", "metrics")):
            listens = [argument.rsplit(":", 1)[1] for argument in arguments(pod) if argument.startswith(f"{flag}=")]
            if listens != [str(ports(pod).get(port))]:
                yield f"{component(pod)} listens by {flag} on {listens}, its port {port} is {ports(pod).get(port)}"


def policy_ports(policy, pods):
    own = policy["spec"]["podSelector"].get("matchLabels", {})
    flows = [(own, flow) for flow in policy["spec"].get("ingress", [])]
    flows += [(peer.get("podSelector", {}).get("matchLabels", {}), flow)
              for flow in policy["spec"].get("egress", []) for peer in flow.get("to", [])]
    for selector, flow in flows:
        for port in flow.get("ports", []):
            if not all(has_port(pod, port["port"]) for pod in pods.selected(selector)):
                yield f"{name(policy)} opens port {port['port']}, which its pods do not have"


def component(pod):
    return pod["metadata"]["labels"]["app.kubernetes.io/component"]


def arguments(pod):
    """As the kubelet makes them: $(NAME) is the variable's value."""
    container = pod["spec"]["containers"][0]
    values = {variable["name"]: variable.get("value", "0") for variable in container.get("env", [])}
    return [re.sub(r"\$\((\w+)\)", lambda found: values.get(found[1], found[0]), argument)
            for argument in container["args"]]


@functools.cache
def parsed(binary, *words):
    """What the program says to its arguments: with --help at the end it reads those before, and does nothing."""
    done = subprocess.run([binary, *words, "--help"], capture_output=True, text=True, env={"LANG": "en_US.UTF-8"})
    return done.returncode, done.stdout, done.stderr


def flags(things, binary):
    """The program knows its arguments, variables and settings."""
    known = set(re.findall(r"--([a-z-]+)", parsed(binary, "serve")[1]))
    for pod in Pods(things).templates:
        # The files that arguments name are in the pod.
        words = [argument for argument in arguments(pod) if not argument.startswith(("--config=", "--kafka-config="))]
        code, _, said = parsed(binary, *words)
        if words[:2] != ["serve", component(pod)]:
            yield f"{component(pod)} runs {' '.join(words[:2])}"
        if code != 0:
            yield f"{component(pod)} does not know its arguments: {said.strip().splitlines()[0]}"
        for variable in pod["spec"]["containers"][0].get("env", []):
            called = variable["name"]
            if called.startswith("LOOPLEDGER_") and called not in VARIABLES \
                    and called.removeprefix("LOOPLEDGER_").lower().replace("_", "-") not in known:
                yield f"{component(pod)} does not know the variable {called}"
    for replica, text in placement(things).items():
        for setting in re.findall(r"^(\w+) *=", text, re.M):
            if setting.replace("_", "-") not in known:
                yield f"{replica} has a setting that the program does not know: {setting}"


def configs(things, prefix):
    """The ConfigMap that was generated by this name."""
    found = [thing for thing in of(things, "ConfigMap") if re.fullmatch(rf"{prefix}(-[a-z0-9]+)?", thing["metadata"]["name"])]
    return found[0]["data"] if found else {}


def placement(things):
    return configs(things, "replicas")


def owned(text):
    said = re.search(r'^partitions *= *"(.*)"$', text, re.M)
    if said is None or said[1] == "none":
        return []
    bounds = [part.split("-") for part in said[1].split(",")]
    return [partition for bound in bounds for partition in range(int(bound[0]), int(bound[-1]) + 1)]


def replicas(things):
    """Every partition is served by one replica, and every replica has its file."""
    files = placement(things)
    count = sorted(partition for text in files.values() for partition in owned(text))
    if count != list(range(PARTITIONS)):
        yield f"the files of `replicas` serve {len(count)} partitions, {len(set(count))} of them different, of {PARTITIONS}"
    for program in of(things, "StatefulSet"):
        wanted = program["spec"]["replicas"]
        if set(files) != {f"{ordinal}.toml" for ordinal in range(wanted)}:
            yield f"{name(program)} has {wanted} replicas, `replicas` has files for {len(files)}"
        if PARTITIONS % wanted:
            yield f"{name(program)} has {wanted} replicas, which do not divide {PARTITIONS} partitions"


def references(things):
    """What pods mount and read is there, or is made by Strimzi."""
    made = {thing["metadata"]["name"]: thing.get("data", {}) for thing in of(things, "ConfigMap")}
    users = {user["metadata"]["name"] for user in of(things, "KafkaUser")}
    clusters = {f"{kafka['metadata']['name']}-cluster-ca-cert" for kafka in of(things, "Kafka")}
    for pod in Pods(things).templates:
        container = pod["spec"]["containers"][0]
        sources = [source for volume in pod["spec"].get("volumes", [])
                   for source in volume.get("projected", {}).get("sources", [])]
        maps = [source["configMap"] for source in sources if "configMap" in source]
        maps += [volume["configMap"] for volume in pod["spec"].get("volumes", []) if "configMap" in volume]
        wanted = [(source["name"], item["key"]) for source in maps for item in source.get("items", [{"key": None}])]
        wanted += [(variable["valueFrom"]["configMapKeyRef"]["name"], variable["valueFrom"]["configMapKeyRef"]["key"])
                   for variable in container.get("env", []) if "configMapKeyRef" in variable.get("valueFrom", {})]
        for config, key in wanted:
            if config not in made or (key is not None and key not in made[config]):
                yield f"{component(pod)} refers to {key or 'all'} of ConfigMap {config}, which is not there"
        for secret in (source["secret"] for source in sources if "secret" in source):
            if secret["name"] not in clusters | {component(pod)} & users:
                yield f"{component(pod)} mounts Secret {secret['name']}, which is not its own"
        yield from properties(component(pod), configs(things, "kafka").get("client.properties", ""), pod)
    for program in of(things, "StatefulSet"):
        heads = [service for service in of(things, "Service") if service["metadata"]["name"] == program["spec"]["serviceName"]]
        if not heads or heads[0]["spec"].get("clusterIP") != "None":
            yield f"{name(program)} has no headless Service {program['spec']['serviceName']}"


def properties(program, text, pod):
    """Files that client.properties names are mounted."""
    mounted = {f"{mount['mountPath']}/{item['path']}" for mount in pod["spec"]["containers"][0]["volumeMounts"]
               for volume in pod["spec"]["volumes"] if volume["name"] == mount["name"]
               for source in volume.get("projected", {}).get("sources", [])
               for item in next(iter(source.values())).get("items", [])}
    for path in re.findall(r"^[a-z.]+=(/.*)$", text, re.M):
        if path not in mounted:
            yield f"client.properties names {path}, which {program} does not mount"


def kafka_users(things):
    """A program writes its own topic and no other."""
    users = of(things, "KafkaUser")
    logins = [listener.get("authentication") for cluster in of(things, "Kafka") for listener in cluster["spec"]["kafka"]["listeners"]]
    for user in users:
        acls = [acl for acl in user["spec"]["authorization"]["acls"] if acl.get("type", "allow") == "allow"]
        writes = [acl["resource"] for acl in acls
                  if {"Write", "All", "Create", "Delete", "Alter", "AlterConfigs"} & set(acl["operations"])]
        topic = f"loopledger.{PROGRAMS.get(user['metadata']['name'])}.v1"
        if writes != [{"type": "topic", "name": topic, "patternType": "literal"}]:
            yield f"{name(user)} may change {[resource.get('name', resource['type']) for resource in writes]}, not {topic} alone"
        if user["spec"]["authentication"] not in logins:
            yield f"{name(user)} logs in by {user['spec']['authentication']['type']}, which no listener of Kafka asks for"
        reads = [acl["resource"] for acl in acls if {"Read", "Describe", "DescribeConfigs"} <= set(acl["operations"])]
        if {"type": "topic", "name": "loopledger.", "patternType": "prefix"} not in reads:
            yield f"{name(user)} may not read every topic"
    if users and {user["metadata"]["name"] for user in users} != set(PROGRAMS):
        yield f"there are Kafka users {sorted(user['metadata']['name'] for user in users)}, not one for each program"


def kafka(things):
    """Topics, pools and users belong to the cluster, and the cluster can hold them."""
    clusters = of(things, "Kafka")
    for cluster in clusters:
        if cluster["spec"]["kafka"].get("authorization") != {"type": "simple"}:
            yield f"{name(cluster)} asks nobody for rights"
        for listener in cluster["spec"]["kafka"]["listeners"]:
            if not listener["tls"] or listener["type"] != "internal":
                yield f"{name(cluster)} listens in clear text, or outside, by {listener['name']}"
    names = {cluster["metadata"]["name"] for cluster in clusters}
    pools = of(things, "KafkaNodePool")
    for thing in pools + of(things, "KafkaTopic") + of(things, "KafkaUser"):
        if thing["metadata"]["labels"].get("strimzi.io/cluster") not in names:
            yield f"{name(thing)} belongs to no Kafka of {sorted(names)}"
    brokers = sum(pool["spec"]["replicas"] for pool in pools if "broker" in pool["spec"]["roles"])
    for topic in of(things, "KafkaTopic"):
        needed = topic["spec"]["replicas"]
        if needed != (3 if brokers >= 3 else 1):
            yield f"{name(topic)} has {needed} replicas on {brokers} brokers"
        if topic["spec"] != required_topics(needed).get(topic["metadata"]["name"]):
            yield f"{name(topic)} is not what every start of a program requires"
    for cluster in clusters:
        listeners = [f"{cluster['metadata']['name']}-kafka-bootstrap:{listener['port']}"
                     for listener in cluster["spec"]["kafka"]["listeners"]]
        if configs(things, "kafka").get("brokers") not in listeners:
            yield f"programs reach Kafka by {configs(things, 'kafka').get('brokers')}; {name(cluster)} listens on {listeners}"


@functools.cache
def required_topics(replicas):
    """By the files that a test compares with the program's own rules (crates/repository-checks)."""
    file = {1: "k8s/overlays/county/topics.yaml", 3: "k8s/kafka/topics.yaml"}.get(replicas)
    text = (REPOSITORY / file).read_text() if file else ""
    return {topic["metadata"]["name"]: topic["spec"] for topic in objects(text)} if text else {}


def policy(things):
    """What every program's StatefulSet must be, whatever an overlay changes."""
    if not of(things, "StatefulSet") or {component(pod) for pod in Pods(things).templates} != set(PROGRAMS):
        yield f"the programs are not {sorted(PROGRAMS)}"
    budgets = {budget["metadata"]["name"]: budget["spec"] for budget in of(things, "PodDisruptionBudget")}
    for program in of(things, "StatefulSet"):
        spec, pod = program["spec"], program["spec"]["template"]["spec"]
        container = pod["containers"][0]
        resources = container.get("resources", {})
        budget = budgets.get(program["metadata"]["name"], {})
        sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = sleep + STOP_SECONDS
        data = [argument.removeprefix("--data=") for argument in arguments(program["spec"]["template"]) if argument.startswith("--data=")]
        for holds, wrong in [
            (spec.get("replicas", 1) >= 2, "has no second replica"),
            (spec.get("podManagementPolicy") == "Parallel", "waits for one pod before it makes the next: a bad image stays"),
            (spec.get("updateStrategy", {}).get("rollingUpdate", {}).get("maxUnavailable") == 1, "restarts several replicas at once"),
            (spec.get("minReadySeconds", 0) > 0, "takes a replica for ready at once"),
            (set(spec.get("persistentVolumeClaimRetentionPolicy", {"whenDeleted": None}).values()) == {"Retain"}, "deletes volumes"),
            (data == [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "data"],
             "keeps its store elsewhere than on its volume"),
            ([claim["spec"]["accessModes"] for claim in spec.get("volumeClaimTemplates", [])] == [["ReadWriteOncePod"]],
             "lets two pods have one store"),
            (pod.get("automountServiceAccountToken") is False, "has a service account's token"),
            (pod.get("securityContext", {}).get("fsGroup") == pod.get("securityContext", {}).get("runAsUser") == 65532,
             "is not the image's user 65532, or its volume is not that user's"),
            (sleep > 0, "ends before clients have left it"),
            (pod.get("terminationGracePeriodSeconds", 30) > drain + 1, f"is killed before its drain of {drain} s has ended"),
            (container.get("securityContext", {}).get("readOnlyRootFilesystem") is True, "can write its root file system"),
            ("memory" in resources.get("limits", {}) and "memory" in resources.get("requests", {}), "has no memory limit"),
            ("cpu" not in resources.get("limits", {}), "is throttled: it has a CPU limit"),
            ("cpu" in resources.get("requests", {}), "has no share of the CPU"),
            (all(container.get(probe, {}).get("httpGet", {}).get("path") == "/livez" for probe in ("startupProbe", "livenessProbe")),
             "is restarted when Kafka is away: startup or liveness is not /livez"),
            ("grpc" in container.get("readinessProbe", {}), "is ready before gRPC serves"),
            (re.search(r"(:(?!latest$)[^/]+|@sha256:.*)$", container["image"]), "has an image without a version"),
            (budget.get("maxUnavailable") == 1 and budget.get("unhealthyPodEvictionPolicy") == "AlwaysAllow",
             "has no disruption budget of one that lets unhealthy pods go"),
        ]:
            if not holds:
                yield f"{name(program)} {wrong}"
    for thing in things:
        if thing["kind"] == "HorizontalPodAutoscaler":
            yield f"{name(thing)} moves partitions from their stores"
        if thing["kind"] in PUBLISHING or thing["kind"] == "Service" and thing["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"{name(thing)} publishes what knows no users"
        if thing["kind"] == "ConfigMap" and re.search(r"(?i)(password|secret|\bkey\.pem) *=", str(thing.get("data"))):
            yield f"{name(thing)} has a secret in it"


def network(things):
    """What is not named is denied, and what is named names somebody."""
    denials = [policy for policy in of(things, "NetworkPolicy") if policy["spec"]["podSelector"] == {}
               and not policy["spec"].get("ingress") and not policy["spec"].get("egress")
               and set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}]
    if not denials:
        yield "no NetworkPolicy denies what is not named"
    for policy in of(things, "NetworkPolicy"):
        flows = [(flow.get("from"), flow) for flow in policy["spec"].get("ingress", [])]
        flows += [(flow.get("to"), flow) for flow in policy["spec"].get("egress", [])]
        for peers, flow in flows:
            opened = {port.get("port") for port in flow.get("ports", [])}
            if not peers and not (opened and opened <= API_SERVER):
                yield f"{name(policy)} has a flow that names nobody"


@functools.cache
def sources():
    return "\n".join(path.read_text() for path in (REPOSITORY / "crates").glob("*/src/**/*.rs"))


def alerts(things):
    """Every alert has a page, a test, and metrics that exist."""
    pages = re.findall(r"^#+ (LoopLedger\w+)$", (REPOSITORY / "k8s/README.md").read_text(), re.M)
    tests = (REPOSITORY / "k8s/checks/alerts.yaml").read_text()
    rules = [rule for thing in of(things, "PrometheusRule") for group in thing["spec"]["groups"] for rule in group["rules"]]
    for rule in rules:
        if rule["alert"] not in pages:
            yield f"{rule['alert']} has no page in k8s/README.md"
        if f"alertname: {rule['alert']}\n" not in tests:
            yield f"{rule['alert']} has no test in k8s/checks/alerts.yaml"
        for metric in re.findall(r"\b(?:loopledger|process)_[a-z_]+", rule["expr"]):
            if f'"{metric.removesuffix("_bucket")}"' not in sources():
                yield f"{rule['alert']} looks at {metric}, which no program shows"
    for page in pages:
        if page not in {rule["alert"] for rule in rules}:
            yield f"k8s/README.md has a page for {page}, which is no alert"


RULES = [selectors, port_names, replicas, references, kafka_users, kafka, policy, network, alerts]


def violations(things, binary):
    found = [wrong for rule in RULES for wrong in rule(things)]
    return found + list(flags(things, binary))


def main():
    binary, *folders = sys.argv[1:]
    code = 0
    for folder in folders:
        try:
            found = violations(objects(render(folder)), binary)
        except Refused as refusal:
            found = [str(refusal)]
        print(f"{'holds' if not found else 'broken':8} {folder}", *found, sep="\n         ")
        code = code or bool(found)
    return code


if __name__ == "__main__":
    sys.exit(main())
