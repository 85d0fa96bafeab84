import { expect, it } from 'vitest';
import { runGuide } from '../helpers/guide.ts';

it('the commands of docs/guides/versions.md do what the guide says, as they stand', async () => {
  const { exitCode, outputs, stderr } = await runGuide('versions');
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(outputs).toHaveLength(7);
  const [, looked, upgraded, back, granted, features, removed] = outputs;
  expect(looked).toContain('Everything fits.');
  expect(stderr).toContain('hello 1.1.0 asks for more than 1.0.0 did: http https://hello.example.com');
  expect(upgraded).toContain('http https://hello.example.com: Fetches new greetings.');
  expect(upgraded).toContain('hello went from 1.0.0 to 1.1.0.');
  expect(upgraded).toContain('awaiting-approval');
  expect(back).toContain('hello runs version 1.0.0 again.');
  expect(granted).toContain('http https://hello.example.com');
  expect(features).toContain('greetings of hello is off, and what was read of it is kept and not found.');
  expect(removed).toContain('Removed hello: 2 versions and 0 connections.');
}, 240_000);
