export const handler = async () => typeof require + " " + import.meta.url.split("/").at(-2);
