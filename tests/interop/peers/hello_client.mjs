// hello_client.mjs URL - npm ws says hello in two ways and prints what comes back.
import WebSocket from 'ws';

const socket = new WebSocket(process.argv[2]);
const messages = ['Hello from JavaScript!', Buffer.from('and some bytes')];
socket.on('open', () => messages.forEach((message) => socket.send(message)));
socket.on('message', (data, binary) => {
  console.log(`${binary ? 'binary' : 'text'}: ${data}`);
  messages.shift();
  if (messages.length === 0) socket.close(1000, 'thank you');
});
socket.on('close', (code) => console.log(`closed: ${code}`));
socket.on('error', (error) => { console.error(error.message); process.exitCode = 1; });
