/** Time zones by name, as version 1 found them: the TZID as it is written. */
import { standardZone, zoneRules } from '../../formats/icalendar/zones.js';
import type { Component } from './tree.js';
import { lineOf } from './tree.js';

export function zoneMeaning(tzid: string, zones: ReadonlyMap<string, Component>): string {
  const name = standardZone(tzid);
  if (name !== undefined) return name;
  const definition = zones.get(tzid);
  return definition ? `(${zoneRules(definition)})` : tzid;
}

export function zonesIn(components: readonly Component[]): Map<string, Component> {
  const zones = new Map<string, Component>();
  for (const component of components) {
    if (component.name !== 'VTIMEZONE') continue;
    const tzid = lineOf(component, 'TZID')?.value.trim();
    if (tzid !== undefined && !zones.has(tzid)) zones.set(tzid, component);
  }
  return zones;
}
