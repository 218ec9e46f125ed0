#!/usr/bin/env python3
"""The rights of the KafkaUsers, on a broker that enforces them: the five programs log in by SCRAM, each as its own user, and play
the demo to its digest; a write to another's topic is refused. Usage: acls.py BINARY, a loopledger."""

import glob
import itertools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rendered import REPOSITORY, objects, render, run

HERE = Path(__file__).resolve().parent
PROGRAMS = {"procurement": "procurement", "station": "station", "distribution": "distribution", "sales": "sales",
            "projection": "ledger"}
DIGEST = "043c39c90c715b903926b359de2c70935cac9ac964e422164e787f5ec4cf2aa8"
KAFKA = str(REPOSITORY / "scripts/kafka")


def password(user):
    return f"password-of-{user}"


def rights(things):
    """The KafkaUsers as lines for Acls.java."""
    for user in (thing for thing in things if thing["kind"] == "KafkaUser"):
        who = user["metadata"]["name"]
        yield f"user {who} {password(who)}"
        for acl in user["spec"]["authorization"]["acls"]:
            resource = acl["resource"]
            called = resource.get("name", "kafka-cluster")
            for operation in acl["operations"]:
                yield f"acl {who} {resource['type']} {called} {resource.get('patternType', 'literal')} {operation}"


class Broker:
    """One broker that knows users on a second listener; on the plain one everybody is its administrator."""

    def __init__(self, folder, port):
        self.folder = folder
        self.data = str(folder / "kafka")
        run(KAFKA, "up", "--data", self.data, "--for", str(os.getpid()))
        self.plain = (folder / "kafka/bootstrap").read_text().strip()
        self.guarded = f"127.0.0.1:{port}"
        run(KAFKA, "stop", "1", "--data", self.data)
        properties = folder / "kafka/broker-1/server.properties"
        plain = properties.read_text()
        listeners, advertised = (re.search(rf"^{name}=(.*)$", plain, re.M)[1] for name in ("listeners", "advertised.listeners"))
        properties.write_text(f"""{plain}
listeners={listeners},SASL_PLAINTEXT://{self.guarded}
advertised.listeners={advertised},SASL_PLAINTEXT://{self.guarded}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
""")
        run(KAFKA, "start", "1", "--data", self.data)

    def tell(self, lines):
        """Prints what Acls.java said."""
        jars = glob.glob(run(str(REPOSITORY / "scripts/tools"), "home", "kafka").strip() + "/*.jar")
        return run("java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(jars), str(HERE / "Acls.java"), self.plain, self.guarded,
                   text="\n".join(lines))


def ports():
    free = run("python3", str(REPOSITORY / "scripts/kafka-broker/free_ports.py"), "127.0.0.1", "11").split()
    return free[0], dict(zip(PROGRAMS, free[1:6])), dict(zip(PROGRAMS, free[6:]))


def serve(binary, broker, folder, grpc, metrics):
    for program in PROGRAMS:
        config = folder / f"{program}.properties"
        config.write_text("security.protocol=SASL_PLAINTEXT\nsasl.mechanisms=SCRAM-SHA-512\n"
                          f"sasl.username={program}\nsasl.password={password(program)}\n")
        with open(folder / f"{program}.log", "w") as log:
            yield subprocess.Popen(
                [binary, "serve", program, "--kafka", broker.guarded, "--kafka-config", str(config), "--data", str(folder / "data"),
                 "--listen", f"127.0.0.1:{grpc[program]}", "--metrics", f"127.0.0.1:{metrics[program]}"],
                stdout=log, stderr=log)


def main():
    (binary,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port, grpc, metrics = ports()
        broker = Broker(folder, port)
        programs = []
        try:
            run(binary, "topics", "create", "--kafka", broker.plain)
            broker.tell(rights(objects(render(REPOSITORY / "k8s/overlays/county"))))
            programs = list(serve(binary, broker, folder, grpc, metrics))
            said = run(binary, "demo", "--server", ",".join(f"{program}=http://127.0.0.1:{grpc[program]}" for program in PROGRAMS))
            if DIGEST not in said:
                raise SystemExit(f"the demo came to another ledger:\n{said}")
            print("holds    five programs, each as its own user: the demo's digest")
            pairs = [(user, topic) for user, topic in itertools.product(PROGRAMS, PROGRAMS.values()) if PROGRAMS[user] != topic]
            answers = broker.tell(f"write {user} {password(user)} loopledger.{topic}.v1" for user, topic in pairs).splitlines()
            wrong = [answer for answer in answers if not answer.endswith(" TopicAuthorizationException")]
            if wrong or len(answers) != len(pairs):
                raise SystemExit(f"writes to another's topic that were not refused: {wrong}")
            print(f"holds    {len(pairs)} writes to another's topic are refused")
        finally:
            for program in programs:
                program.terminate()
            codes = [program.wait() for program in programs]
            run(KAFKA, "down", "--data", broker.data)
        if any(codes):
            raise SystemExit(f"programs ended with {codes}")


if __name__ == "__main__":
    main()
