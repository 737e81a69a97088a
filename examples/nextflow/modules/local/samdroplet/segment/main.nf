process SAMDROPLET_SEGMENT {
    tag "$meta.id"
    label 'process_medium'

    container "sam-droplets:0.1.0"

    input:
    tuple val(meta), path(pictures, stageAs: 'pictures/*')

    output:
    tuple val(meta), path("results/droplets.csv"), emit: droplets
    tuple val(meta), path("results/pictures.csv"), emit: pictures
    tuple val(meta), path("results/errors.csv")  , emit: errors
    tuple val(meta), path("results/summary.html"), emit: summary
    path "versions.yml"                          , emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: '--export none'
    """
    # Pictures that fail are rows of errors.csv, and exit code 1.
    sam-droplet segment pictures --out results --json $args || [ \$? -eq 1 ]

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        sam-droplet: \$(sam-droplet version)
    END_VERSIONS
    """
}
