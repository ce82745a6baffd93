"""A real mail server for tests (needs Debian's python3-aiosmtpd).

Keeps each message it takes as a folder of files, and behaves as the recipient's name asks:
  refuse@   550 to RCPT              later@       451 to RCPT
  refuse-data@  554 to the message   later-data@  452 to the message
  lost@     takes the message, then closes without an answer
  hold@     takes the message, then never answers
  anything else is accepted.
With --packets it keeps, instead, one line for each message in the file "packets": the delivery id,
a space, and the attached packet.json in hexadecimal.
"""
import argparse
import asyncio
import email
import email.policy
import logging
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Handler:
    def __init__(self, folder, only_packets):
        self.folder = folder
        self.only_packets = only_packets
        self.taken = 0

    def keep_packet(self, envelope):
        message = email.message_from_bytes(envelope.original_content)
        packets = [part.get_payload(decode=True) for part in message.walk()
                   if part.get_filename() == "packet.json"]
        with open(os.path.join(self.folder, "packets"), "a") as kept:
            kept.write(f"{message['x-porchlight-delivery-id']} {packets[0].hex()}\n")

    def note(self, line):
        with open(os.path.join(self.folder, "commands"), "a") as commands:
            commands.write(line + "\n")

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.note("MAIL " + ("tls" if session.ssl else "clear"))
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "refuse":
            return "550 5.1.1 no such desk"
        if name == "later":
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "refuse-data":
            return "554 5.7.1 not here"
        if name == "later-data":
            return "452 4.2.2 mailbox full"
        if self.only_packets:
            self.keep_packet(envelope)
            return "250 2.0.0 taken"
        self.keep(session, envelope)
        if name == "lost":
            server.transport.abort()
        if name == "hold":
            await asyncio.Event().wait()
        return "250 2.0.0 taken"

    def keep(self, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        self.taken += 1
        files = {
            "raw": envelope.original_content,
            "ehlo": session.host_name.encode(),
            "tls": b"yes" if session.ssl else b"no",
            "mail_from": envelope.mail_from.encode(),
            "rcpt_to": ",".join(envelope.rcpt_tos).encode(),
            "text": message.get_body(("plain",)).get_content().replace("\r\n", "\n").encode(),
            "defects": repr(message.defects).encode(),
        }
        for name, value in message.items():
            files["header-" + name.lower()] = str(value).encode()
        for i, part in enumerate(message.iter_attachments()):
            files[f"attachment-{i}-name"] = part.get_filename().encode()
            files[f"attachment-{i}-type"] = part.get_content_type().encode()
            files[f"attachment-{i}-bytes"] = part.get_payload(decode=True)
        unfinished = os.path.join(self.folder, ".unfinished")
        os.mkdir(unfinished)
        for name, content in files.items():
            with open(os.path.join(unfinished, name), "wb") as file:
                file.write(content)
        os.rename(unfinished, os.path.join(self.folder, f"message-{self.taken}"))
        print("taken", flush=True)


logging.disable()  # clients that break off are part of the tests


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--packets", action="store_true")
    arguments = parser.parse_args()

    # A client that is killed in the middle is part of the tests, and no news.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    logging.getLogger("mail.log").propagate = False
    handler = Handler(arguments.folder, arguments.packets)
    options = {"hostname": "mail.invalid", "enable_SMTPUTF8": False}
    if arguments.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.certificate, arguments.key)
        options["tls_context"] = context
    if arguments.user:

        def authenticate(server, session, envelope, mechanism, login):
            right = (isinstance(login, LoginPassword)
                     and login.login.decode() == arguments.user
                     and login.password.decode() == arguments.password)
            return AuthResult(success=right, handled=right)

        options["authenticator"] = authenticate
        options["auth_required"] = True
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", 0)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
