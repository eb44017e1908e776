using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Packages;

/// <summary>Finds what packages need beside themselves (Debian Policy 7.1 to 7.5): <c>Pre-Depends</c> and <c>Depends</c>, alternatives in their order, and provided names.</summary>
internal sealed class PackageChoice
{
    /// <summary>Debian's priorities, from what a system needs to what it may have.</summary>
    private static readonly string[] s_priorities = ["required", "important", "standard", "optional", "extra"];

    private readonly IReadOnlyDictionary<string, Package> _packages;
    private readonly Dictionary<string, List<(Package Package, string? Version)>> _provided = new(StringComparer.Ordinal);

    /// <summary>Takes the packages of an archive, by their names.</summary>
    public PackageChoice(IReadOnlyDictionary<string, Package> packages)
    {
        _packages = packages;
        foreach (Package package in packages.Values)
        {
            foreach (Relation provided in Relation.Parse(package.Provides).SelectMany(static group => group))
            {
                if (!_provided.TryGetValue(provided.Name, out List<(Package, string?)>? providers)) _provided[provided.Name] = providers = [];
                providers.Add((package, provided.Version));
            }
        }
        foreach (List<(Package Package, string? Version)> providers in _provided.Values)
            providers.Sort(static (one, other) => (Rank(one.Package), one.Package.Name).CompareTo((Rank(other.Package), other.Package.Name)));
    }

    /// <summary>The packages without which no other works (Policy 3.8).</summary>
    public IEnumerable<string> Essential => _packages.Values.Where(static package => package.IsEssential).Select(static package => package.Name).Order(StringComparer.Ordinal);

    /// <summary>Closes a set of packages over what they need.</summary>
    /// <param name="wanted">Their names.</param>
    /// <returns>All packages, those that are wanted first; or which one the archive lacks.</returns>
    public Outcome<IReadOnlyList<Package>> Close(IEnumerable<string> wanted)
    {
        var chosen = new List<Package>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in wanted)
        {
            if (!_packages.TryGetValue(name, out Package? package)) return Lacks($"no package {name}");
            if (names.Add(name)) chosen.Add(package);
        }
        for (int at = 0; at < chosen.Count; at++)
        {
            foreach (IReadOnlyList<Relation> group in Relation.Parse(chosen[at].PreDepends).Concat(Relation.Parse(chosen[at].Depends)))
            {
                if (group.Any(relation => Candidates(relation).Any(candidate => names.Contains(candidate.Name)))) continue;
                if (group.SelectMany(Candidates).FirstOrDefault() is not { } best) return Lacks($"nothing for '{string.Join(" | ", group)}', which {chosen[at].Name} needs");
                names.Add(best.Name);
                chosen.Add(best);
            }
        }
        return chosen;

        static Failure Lacks(string what) => new(FailureKind.NotThere, $"the archive has {what}", "choose another archive with --mirror URL");
    }

    /// <summary>What fulfils a relation: the package of that name, then those that provide it.</summary>
    private IEnumerable<Package> Candidates(Relation relation)
    {
        if (_packages.TryGetValue(relation.Name, out Package? named) && relation.Accepts(named.Version)) yield return named;
        if (!_provided.TryGetValue(relation.Name, out List<(Package Package, string? Version)>? providers)) yield break;
        foreach ((Package package, string? version) in providers)
        {
            if (relation.Version is null || (version is not null && relation.Accepts(version))) yield return package;
        }
    }

    private static int Rank(Package package) => Array.IndexOf(s_priorities, package.Priority) is var rank && rank < 0 ? s_priorities.Length : rank;

    /// <summary>A package's name with a condition on its version.</summary>
    private sealed record Relation(string Name, string Comparison, string? Version)
    {
        private static readonly char[] s_nameEnds = [' ', '(', '[', ':', '\n', '\t'];

        /// <summary>Reads a relationship field: groups of alternatives.</summary>
        public static IEnumerable<IReadOnlyList<Relation>> Parse(string field) =>
            field.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(static group => (IReadOnlyList<Relation>)[.. group.Split('|', StringSplitOptions.TrimEntries).Select(One)]);

        public bool Accepts(string version)
        {
            if (Version is null) return true;
            int order = DebianVersion.Compare(version, Version);
            return Comparison switch
            {
                "<<" => order < 0,
                "<=" or "<" => order <= 0,
                "=" => order == 0,
                ">=" or ">" => order >= 0,
                ">>" => order > 0,
                _ => false,
            };
        }

        public override string ToString() => Version is null ? Name : $"{Name} ({Comparison} {Version})";

        private static Relation One(string text)
        {
            int end = text.IndexOfAny(s_nameEnds), open = text.IndexOf('('), close = text.IndexOf(')');
            string name = end < 0 ? text : text[..end];
            if (open < 0 || close < open) return new Relation(name, "", null);
            string condition = text[(open + 1)..close].Trim();
            int digits = condition.AsSpan().IndexOfAnyExcept("<>= ");
            return digits < 0 ? new Relation(name, "", null) : new Relation(name, condition[..digits].Trim(), condition[digits..].Trim());
        }
    }
}
