import { html } from 'hono/html';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { prose, type Markup } from './page.ts';

/** The rows of an object's properties, or one line for anything else. */
export function schemaBody(schema: JsonObject): Markup {
  if (!isJsonObject(schema.properties)) return html`<p>${typeOf(schema)} ${bounds(schema)}</p>`;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const rows = Object.entries(schema.properties).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]));
  return html`<div class="table">
    <table>
      <thead>
        <tr>
          <th>Property</th>
          <th>Type</th>
          <th>Meaning</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(([name, property]) => propertyRow(name, property, required.includes(name)))}
      </tbody>
    </table>
  </div>`;
}

function propertyRow(name: string, property: JsonObject, required: boolean): Markup {
  const nested = isJsonObject(property.properties) ? schemaBody(property) : '';
  return html`<tr>
    <td><code>${name}</code> ${required ? html`<span class="needed">required</span>` : ''}</td>
    <td>${typeOf(property)}</td>
    <td>${prose(text(property.description))} ${bounds(property)}${nested}</td>
  </tr>`;
}

/** The type in words, with links to the schemas that it names. */
export function typeOf(schema: Json | undefined): Markup {
  if (!isJsonObject(schema)) return html`any`;
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.replace(/^.*\//, '');
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (Array.isArray(schema.anyOf)) return alternatives(schema.anyOf);
  if (Array.isArray(schema.prefixItems))
    return html`[${schema.prefixItems.map((item, index) => html`${index > 0 ? ', ' : ''}${typeOf(item)}`)}]`;
  if (schema.type === 'array') return html`list of ${isJsonObject(schema.items) ? typeOf(schema.items) : 'anything'}`;
  if (isJsonObject(schema.additionalProperties)) return html`object of ${typeOf(schema.additionalProperties)}`;
  if (typeof schema.format === 'string') return html`${text(schema.type)} (${schema.format})`;
  return html`${text(schema.type)}`;
}

function alternatives(schemas: Json[]): Markup {
  return html`${schemas.map((inner, index) => html`${index > 0 ? ' or ' : ''}${typeOf(inner)}`)}`;
}

/** What a value may be beyond its type. */
export function bounds(schema: JsonObject): Markup {
  const parts = [
    Array.isArray(schema.enum) && schema.enum.length <= 12
      ? `One of ${schema.enum.map((value) => `\`${String(value)}\``).join(', ')}.`
      : '',
    range(schema.minimum, schema.maximum, ''),
    range(schema.minLength, schema.maxLength, ' characters'),
    range(schema.minItems, schema.maxItems, ' items'),
    schema.default === undefined ? '' : `Default: \`${JSON.stringify(schema.default)}\`.`,
  ];
  return html`<span class="soft">${prose(parts.filter((part) => part !== '').join(' '))}</span>`;
}

function range(least: Json | undefined, most: Json | undefined, unit: string): string {
  if (typeof least === 'number' && typeof most === 'number') return least === most ? `${least}${unit}.` : `${least} to ${most}${unit}.`;
  if (typeof most === 'number') return `At most ${most}${unit}.`;
  return typeof least === 'number' ? `At least ${least}${unit}.` : '';
}

function text(value: Json | undefined): string {
  if (Array.isArray(value)) return value.join(' or ');
  return typeof value === 'string' ? value : '';
}
