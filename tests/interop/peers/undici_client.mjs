// undici_client.mjs ECHO_URL COMMAND_URL - the client behind Node's own WebSocket.
import { WebSocket } from 'undici';
import { converse } from './conversation.mjs';

const [echoUrl, commandUrl] = process.argv.slice(2);
console.log(`${await converse(echoUrl, commandUrl, WebSocket, process.env.DEFLATE === '1')} exchanges`);
process.exit(0);
