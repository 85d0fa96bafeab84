/** What lies in a data folder, besides the master key and the cache, which is made again. */
export const DATABASE_FILE = 'lorelai.db';
/** Component files, each named by its digest. */
export const COMPONENTS_FOLDER = 'components';
