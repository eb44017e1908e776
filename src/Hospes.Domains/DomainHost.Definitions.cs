using Hospes.Domains.Configuration;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;
using Hospes.Domains.Xml;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>Defines a domain, or gives the one with the document's UUID another definition. A transient one becomes persistent. A document without UUID is of a new domain.</summary>
    /// <param name="xml">The document.</param>
    /// <param name="strict">Whether elements that no domain has are an error.</param>
    public async ValueTask<Outcome<ManagedDomain>> DefineAsync(string xml, bool strict = false)
    {
        Outcome<DomainConfig> understood = Understand(xml, strict);
        if (understood.Failure is { } fault) return fault;
        DomainConfig config = understood.Value;
        Outcome<ManagedDomain> claimed = _registry.Claim(config.Uuid, config.Name);
        if (claimed.Failure is { } taken) return taken;
        ManagedDomain domain = claimed.Value;
        DomainFailure? failure = await domain.Worker.DoAsync(() => _runner.RunAsync(domain, PlanDefine(domain, config))).ConfigureAwait(false);
        _registry.Release(domain);
        return failure is null ? domain : failure;
    }

    /// <summary>Removes the definition. A running domain becomes transient and goes on.</summary>
    public async ValueTask<Outcome<Done>> UndefineAsync(ManagedDomain domain)
    {
        Outcome<Done> outcome = await WithAsync<Done>(domain, async now =>
        {
            if (!now.IsPersistent) return new DomainFailure(DomainError.InvalidState, "cannot undefine transient domain");
            return await _runner.RunAsync(domain, PlanUndefine(domain)).ConfigureAwait(false) is { } failure ? failure : default(Done);
        }).ConfigureAwait(false);
        _registry.Sweep(domain);
        return outcome;
    }

    /// <summary>Gives a domain that does not run another name.</summary>
    public ValueTask<Outcome<Done>> RenameAsync(ManagedDomain domain, string newName) => WithAsync<Done>(domain, async now =>
    {
        if (now.IsActive) return new DomainFailure(DomainError.InvalidState, "cannot rename active domain");
        if (newName == now.Name) return new DomainFailure(DomainError.InvalidArgument, "Can't rename domain to itself");
        DomainConfig renamed = now.Definition! with { Name = newName };
        if (DomainValidator.Check(renamed, Profile) is { } refusal) return refusal;
        if (_registry.Rename(domain, newName) is { } taken) return taken;
        return await _runner.RunAsync(domain, PlanRename(domain, now.Name, renamed)).ConfigureAwait(false) is { } failure ? failure : default(Done);
    });

    /// <summary>Has a domain started with the daemon, or not.</summary>
    public ValueTask<Outcome<Done>> SetAutostartAsync(ManagedDomain domain, bool autostart) => WithAsync<Done>(domain, now =>
    {
        if (!now.IsPersistent) return ValueTask.FromResult<Outcome<Done>>(new DomainFailure(DomainError.InvalidState, "cannot set autostart for transient domain"));
        if (now.Autostart != autostart)
        {
            try
            {
                Store.SetAutostart(now.Name, autostart);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return ValueTask.FromResult<Outcome<Done>>(new DomainFailure(DomainError.System, fault.Message.TrimEnd('.')));
            }
            Publish(domain, now with { Autostart = autostart });
        }
        return ValueTask.FromResult<Outcome<Done>>(default(Done));
    });

    /// <summary>Changes the definition, or what runs, or both.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="live">Whether what runs is changed; it must run then.</param>
    /// <param name="config">Whether the definition is changed; there must be one then.</param>
    /// <param name="change">The change.</param>
    public ValueTask<Outcome<Done>> ChangeAsync(ManagedDomain domain, bool live, bool config, Func<DomainConfig, Outcome<DomainConfig>> change) => WithAsync<Done>(domain, now =>
        ValueTask.FromResult(Change(domain, now, live, config, change)));

    private Outcome<Done> Change(ManagedDomain domain, DomainSnapshot now, bool live, bool config, Func<DomainConfig, Outcome<DomainConfig>> change)
    {
        if (live && now.Live is null) return NotRunning;
        if (config && now.Definition is null) return Transient;
        DomainSnapshot next = now;
        if (live)
        {
            Outcome<DomainConfig> changed = change(now.Live!);
            if (changed.Failure is { } refusal) return refusal;
            next = next with { Live = changed.Value };
        }
        if (config)
        {
            Outcome<DomainConfig> changed = change(now.Definition!);
            if ((changed.Failure ?? DomainValidator.Check(changed.Value, Profile)) is { } refusal) return refusal;
            next = next with { Definition = changed.Value };
            try
            {
                if (Store.Keeps) Store.WriteDefinition(now.Name, DomainXmlWriter.Write(changed.Value));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return new DomainFailure(DomainError.System, fault.Message.TrimEnd('.'));
            }
        }
        Publish(domain, next);
        return live && _runner.Close(domain) is { } failure ? failure : default(Done);
    }

    private Operation PlanDefine(ManagedDomain domain, DomainConfig config)
    {
        DomainConfig? before = domain.Now.Definition;
        string? xml = Store.Keeps ? DomainXmlWriter.Write(config) : null;
        return new Operation(OperationKind.Define, xml, domain.Now.Live is { } live && Store.Keeps ? DomainXmlWriter.Write(live) : null, domain.Now.Id, 0,
        [
            MicroOperation.Of("write the definition", () => { if (xml is not null) Store.WriteDefinition(config.Name, xml); }, "put the former definition back", () =>
            {
                if (!Store.Keeps) return;
                if (before is null) Store.RemoveDefinition(config.Name);
                else Store.WriteDefinition(config.Name, DomainXmlWriter.Write(before));
            }),
            MicroOperation.Of("take the definition", () => Publish(domain, domain.Now with { Definition = config })),
            MicroOperation.Of("tell", () => Tell(domain, LifecycleEvent.Defined, before is null ? LifecycleDetail.DefinedAdded : LifecycleDetail.DefinedUpdated)),
        ]);
    }

    private Operation PlanUndefine(ManagedDomain domain)
    {
        string name = domain.Now.Name;
        return new Operation(OperationKind.Undefine, null, domain.Now.Live is { } live && Store.Keeps ? DomainXmlWriter.Write(live) : null, domain.Now.Id, 0,
        [
            MicroOperation.Of("remove the definition", () => Store.RemoveDefinition(name)),
            MicroOperation.Of("forget the definition", () => Publish(domain, domain.Now with { Definition = null, Autostart = false })),
            MicroOperation.Of("tell", () => Tell(domain, LifecycleEvent.Undefined, LifecycleDetail.UndefinedRemoved)),
        ]);
    }

    private Operation PlanRename(ManagedDomain domain, string oldName, DomainConfig renamed) => new(OperationKind.Rename, oldName, null, -1, 0,
    [
        MicroOperation.Of("rename the file", () => Store.RenameDefinition(oldName, renamed.Name), "rename the file back", () =>
        {
            Store.RenameDefinition(renamed.Name, oldName);
            _ = _registry.Rename(domain, oldName);
        }),
        MicroOperation.Of("write the definition", () => { if (Store.Keeps) Store.WriteDefinition(renamed.Name, DomainXmlWriter.Write(renamed)); }),
        MicroOperation.Of("take the definition", () => Publish(domain, domain.Now with { Name = renamed.Name, Definition = renamed })),
        MicroOperation.Of("tell", () =>
        {
            Events.Append(DomainEventKind.Lifecycle, oldName, domain.Uuid, -1, (int)LifecycleEvent.Undefined, LifecycleDetail.UndefinedRenamed);
            Tell(domain, LifecycleEvent.Defined, LifecycleDetail.DefinedRenamed);
        }),
    ]);
}
