import { once } from 'node:events';
import { openDatabase } from '../../../host/store/database.ts';
import { insertOrganisation } from '../../../host/store/organisations.ts';

// Opens the file of its first argument when it is told to, and adds the organisation of its second.
const [file = '', id = ''] = process.argv.slice(2);
process.send?.('ready');
await once(process, 'message');
const database = await openDatabase({ file });
await insertOrganisation(database, { id, name: id, createdAtMs: 1 });
await database.close();
process.disconnect?.();
