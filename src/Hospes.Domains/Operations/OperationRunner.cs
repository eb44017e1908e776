using Hospes.Domains.Lifecycle;
using Hospes.Domains.Persistence;

namespace Hospes.Domains.Operations;

/// <summary>
/// Carries operations out: writes down what a successor of the daemon has to know before a step is done, which is that the operation began, and that it is to go on rather than back; undoes what
/// was done when a step fails.
/// </summary>
internal sealed class OperationRunner(IDomainStore store, TimeProvider clock, IStepObserver? observer)
{
    /// <summary>Does the steps from one on. Worker only.</summary>
    /// <returns>Why not, with everything undone; or null.</returns>
    public async ValueTask<DomainFailure?> RunAsync(ManagedDomain domain, Operation operation, int from = 0, CancellationToken cancellation = default)
    {
        DateTimeOffset since = clock.GetUtcNow();
        try
        {
            for (int index = from; index < operation.Steps.Count; index++)
            {
                MicroOperation step = operation.Steps[index];
                domain.Report(new OperationProgress(operation.Kind, step.Name, index, operation.Steps.Count, since));
                DomainFailure? failure = await StepAsync(domain, operation, index, index == from || index == operation.Commit, cancellation).ConfigureAwait(false);
                if (failure is null) continue;
                await UndoAsync(domain, operation, index).ConfigureAwait(false);
                return failure;
            }
            observer?.Reached(operation.Kind, operation.Steps.Count, done: false);
            return Close(domain);
        }
        finally
        {
            domain.Report(null);
        }
    }

    /// <summary>Undoes the steps from one down to the first, and closes the journal. Worker only.</summary>
    public async ValueTask UndoAsync(ManagedDomain domain, Operation operation, int from)
    {
        for (int index = Math.Min(from, operation.Steps.Count - 1); index >= 0; index--)
        {
            if (operation.Steps[index].Undo is not { } undo) continue;
            await undo().ConfigureAwait(false);
            observer?.Reached(operation.Kind, index, done: false);
        }
        Close(domain);
    }

    /// <summary>Writes down what the domain is now that nothing is under way.</summary>
    public DomainFailure? Close(ManagedDomain domain)
    {
        if (!store.Keeps) return null;
        return Guard(() =>
        {
            DomainSnapshot now = domain.Now;
            if (now.IsActive) store.WriteLive(State(domain, now.Live is null ? null : Xml.DomainXmlWriter.Write(now.Live), now.Id));
            else store.RemoveLive(domain.Uuid);
        });
    }

    private async ValueTask<DomainFailure?> StepAsync(ManagedDomain domain, Operation operation, int index, bool tells, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return new DomainFailure(DomainError.Aborted, "the operation was given up");
        if (tells && store.Keeps && Guard(() => store.WriteLive(State(domain, operation.Xml, operation.Id) with
            {
                Operation = operation.Kind.ToString(), Step = index, Argument = operation.Argument,
            })) is { } refusal) return refusal;
        observer?.Reached(operation.Kind, index, done: false);
        DomainFailure? failure;
        try
        {
            failure = await operation.Steps[index].Do().ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            failure = Refusal(fault);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            failure = new DomainFailure(DomainError.Aborted, "the operation was given up");
        }
        if (failure is null) observer?.Reached(operation.Kind, index, done: true);
        return failure;
    }

    private static DomainFailure? Guard(Action write)
    {
        try
        {
            write();
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Refusal(fault);
        }
    }

    private static DomainFailure Refusal(Exception fault) => new(DomainError.System, fault.Message.TrimEnd('.'));

    private static LiveState State(ManagedDomain domain, string? xml, int id) => new() { Uuid = domain.Uuid, Name = domain.Now.Name, Id = id, Status = domain.Now.Status, AutoDestroy = domain.Now.AutoDestroy, Xml = xml };
}
