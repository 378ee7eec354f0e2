// ws_server.mjs - npm ws as a server: echoes, obeys commands, says how each connection ended.
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: process.env.DEFLATE === '1' });
server.on('listening', () => console.log(`listening 127.0.0.1:${server.address().port}`));
server.on('connection', (socket) => {
  socket.on('message', (data, binary) => {
    const [word, code, ...reason] = binary ? [''] : data.toString().split(' ');
    if (word === 'close') {
      socket.close(Number(code), reason.join(' '));
    } else if (word === 'ping') {
      socket.ping('are you there');
    } else if (word === 'fragments') {
      for (const fin of [false, false, true]) socket.send('f'.repeat(1000), { fin });
    } else {
      socket.send(data, { binary });
    }
  });
  socket.on('pong', (payload) => socket.send(`pong ${payload}`));
  socket.on('close', (code, reason) => console.log(`closed ${code} ${reason}`));
  socket.on('error', (error) => console.log(`error ${error.code ?? error.message}`));
});
