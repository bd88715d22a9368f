"""A Dag file whose tasks let secrets out in every way they can; the text, for nobody may import it here."""

from __future__ import annotations

LEAKY_DAG = """
import base64, glob, logging, os, subprocess, threading

from flowcore.sdk import DAG, Connection, Variable, task
from flowcore.sdk.log import mask_secret

SPAWN = ["sh", "-c", 'echo "spawned $P"; echo "spawned $P" >&2']


def say(secret):
    print("printed", secret)
    logging.getLogger("author").warning("logged %s", secret)
    thread = threading.Thread(target=print, args=("in a thread", secret))
    thread.start()
    thread.join()
    os.write(1, f"written {secret}\\n".encode())
    subprocess.run(SPAWN, env={"P": secret}, check=True)
    print("encoded", base64.b64encode(f"me:{secret}".encode()).decode())


def arguments_of_all_processes():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, errors="replace") as file:
                yield file.read()
        except OSError:
            pass  # it has ended


with DAG("d"):

    @task
    def tell():
        secret = Connection.get("db").password
        say(secret)
        assert not any(secret in arguments for arguments in arguments_of_all_processes())

    @task
    async def atell():
        say((await Connection.aget("db")).password)

    @task
    def fail():
        raise ValueError(Connection.get("db").get_uri())

    @task
    async def afail():
        raise ValueError(await Variable.aget("api_token"))

    @task
    def push():
        return [Variable.get("api_token")]

    @task
    async def apush():
        return [(await Connection.aget("db")).get_uri()]

    @task(templates_dict={"sql": "connect {{ conn.db.get_uri() }} {{ var.value.api_token }}"})
    def render(templates_dict=None):
        print(templates_dict["sql"])

    @task
    def mask():
        mask_secret(os.environ["LEAKY_OWN"])
        say(os.environ["LEAKY_OWN"])

    for function in (tell, atell, fail, afail, push, apush, render, mask):
        function()
"""
