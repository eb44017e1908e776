namespace Hospes.Domains.Operations;

/// <summary>
/// One step of an operation. It can be done again when it was done already, and undone when it was not: a daemon that was killed cannot know whether its last step was
/// done.
/// </summary>
/// <param name="Name">What it does.</param>
/// <param name="UndoName">What undoing it does, or null if nothing needs to be.</param>
/// <param name="Do">Does it.</param>
/// <param name="Undo">Undoes it.</param>
internal sealed record MicroOperation(string Name, Func<ValueTask<DomainFailure?>> Do, string? UndoName = null, Func<ValueTask>? Undo = null)
{
    /// <summary>A step that cannot fail and needs no waiting.</summary>
    public static MicroOperation Of(string name, Action act, string? undoName = null, Action? undo = null)
        => new(name, () => { act(); return ValueTask.FromResult<DomainFailure?>(null); }, undoName, undo is null ? null : () => { undo(); return ValueTask.CompletedTask; });
}

/// <summary>What is done to a domain as a whole.</summary>
public enum OperationKind
{
    /// <summary>A definition is written.</summary>
    Define,

    /// <summary>A definition is removed.</summary>
    Undefine,

    /// <summary>A definition gets another name.</summary>
    Rename,

    /// <summary>A machine is made and runs.</summary>
    Start,

    /// <summary>A machine is gone, or is made to go.</summary>
    Stop,

    /// <summary>A device comes to a machine that runs.</summary>
    Attach,
}

/// <summary>A flat list of steps for one domain.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Argument">What it is done with, so that a successor of the daemon can make the same list.</param>
/// <param name="Xml">The configuration that is being started, or null.</param>
/// <param name="Id">The id that the domain gets or has, or -1.</param>
/// <param name="Commit">The step from which on a successor goes on rather than back; 0 to go on always.</param>
/// <param name="Steps">The steps.</param>
internal sealed record Operation(OperationKind Kind, string? Argument, string? Xml, int Id, int Commit, IReadOnlyList<MicroOperation> Steps);

/// <summary>How far an operation is.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Step">The name of the step.</param>
/// <param name="Index">Its index.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Since">When the operation began.</param>
public sealed record OperationProgress(OperationKind Kind, string Step, int Index, int Count, DateTimeOffset Since);

/// <summary>One line of a plan: a step, and what would undo it.</summary>
/// <param name="Step">What is done.</param>
/// <param name="Undo">What undoes it, or null.</param>
public sealed record PlannedStep(string Step, string? Undo);

/// <summary>Is told at which step operations are. Tests stop the daemon there.</summary>
public interface IStepObserver
{
    /// <summary>A step is about to be done, or was done. What this throws ends the operation where it stands, as the end of the process would.</summary>
    /// <param name="kind">What is done.</param>
    /// <param name="index">The index of the step; the number of steps when only the journal is left to close.</param>
    /// <param name="done">Whether the step was done.</param>
    void Reached(OperationKind kind, int index, bool done);
}
