/** The organisation that is meant when nobody names one. It exists from the first start on. */
export const DEFAULT_ORGANISATION = 'default';
