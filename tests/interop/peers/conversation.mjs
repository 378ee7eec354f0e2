// conversation.mjs - what every JavaScript client says to our servers, in terms of the browser's WebSocket.
//
// `deflate` says whether messages have to be compressed. The function stands alone, so that it can also be sent into a browser page. It resolves to the number of
// messages that came back as they should and throws at the first that did not.
export async function converse(echoUrl, commandUrl, Socket = globalThis.WebSocket, deflate = false) {
  const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1048576];
  const texts = ['Grüße', '日本語テキスト', '🌿 caraway 🌿', 'with a \u0000 in it', '\uFFFD\uFEFF'];
  const arrived = [];
  let wake = () => {};
  let count = 0;

  const open = (url) => new Promise((resolve, reject) => {
    const socket = new Socket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => resolve(socket);
    socket.onerror = (event) => reject(new Error(`connection failed: ${event.message ?? event.type}`));
    socket.onmessage = (event) => { arrived.push(event.data); wake(); };
    socket.onclose = (event) => { arrived.push(event); wake(); };
  });
  const next = async () => {
    while (arrived.length === 0) await new Promise((resolve) => { wake = resolve; });
    return arrived.shift();
  };
  const check = (condition, what) => { if (!condition) throw new Error(`wrong: ${what}`); };
  const expectText = async (text) => {
    const answer = await next();
    check(answer === text, `text of ${text.length} characters, got ${String(answer).slice(0, 60)}`);
    ++count;
  };

  const echo = await open(echoUrl);
  check(echo.extensions.startsWith('permessage-deflate') === deflate, `extensions: ${echo.extensions}`);
  for (const size of sizes) {
    echo.send('x'.repeat(size));
    await expectText('x'.repeat(size));
    const pattern = Uint8Array.from({ length: size }, (_, i) => (i * 7 + size) & 255);
    echo.send(pattern);
    const answer = new Uint8Array(await next());
    check(answer.length === size && answer.every((byte, i) => byte === pattern[i]), `binary of ${size}`);
    ++count;
  }
  for (const text of texts) { echo.send(text); await expectText(text); }
  for (let i = 0; i < 100; ++i) echo.send(`burst ${i}`);
  for (let i = 0; i < 100; ++i) await expectText(`burst ${i}`);

  echo.close(3001, 'that is all');
  const closed = await next();
  check(closed.code === 3001 && closed.wasClean, `our close came back as ${closed.code} ${closed.wasClean}`);

  const command = await open(commandUrl);
  command.send('fragments');
  await expectText('f'.repeat(3000));
  command.send('close 4001 good bye');
  const refused = await next();
  check(refused.code === 4001 && refused.reason === 'good bye' && refused.wasClean,
    `the server's close arrived as ${refused.code} ${refused.reason}`);
  return count;
}
